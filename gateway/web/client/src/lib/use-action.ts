import { useState } from "react";
import { toast } from "sonner";
import { Cancelled } from "./failures";
import { messageOf } from "./messages";

/** What a button does: once at a time, and where it fails, people are told. */
export function useAction<Input extends unknown[]>(
  action: (...input: Input) => Promise<unknown>,
): { pending: boolean; run: (...input: Input) => void } {
  const [pending, setPending] = useState(false);
  const run = async (...input: Input) => {
    setPending(true);
    try {
      await action(...input);
    } catch (error) {
      if (!(error instanceof Cancelled)) {
        toast.error(messageOf(error));
      }
    } finally {
      setPending(false);
    }
  };
  return { pending, run: (...input) => void run(...input) };
}
