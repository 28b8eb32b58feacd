import { isPorticoError } from "@portico/sdk";
import { createContext, use, useCallback, useRef, useState, type ReactNode } from "react";
import { Cancelled } from "@/lib/failures";
import { ReauthenticationDialog } from "./reauthentication-dialog";

type Confirmed = <T>(call: () => Promise<T>) => Promise<T>;

const Context = createContext<Confirmed>((call) => call());

/**
 * Makes a call that may need a fresh sign-in. Where it does, the person is asked to prove who is there, and the
 * call is made once more. Whoever goes back instead makes it fail as `Cancelled`, of which nothing is said.
 */
export function useConfirmed(): Confirmed {
  return use(Context);
}

/** Asks, for the pages within it, to prove again who is there. */
export function Reauthentication({ children }: { children: ReactNode }) {
  const [asking, setAsking] = useState(false);
  const waiting = useRef<((proved: boolean) => void)[]>([]);

  const confirmed = useCallback<Confirmed>(async (call) => {
    try {
      return await call();
    } catch (error) {
      if (!isPorticoError(error, "REAUTHENTICATION_REQUIRED")) {
        throw error;
      }
    }
    setAsking(true);
    const proved = await new Promise<boolean>((resolve) => waiting.current.push(resolve));
    if (!proved) {
      throw new Cancelled();
    }
    return await call();
  }, []);

  const settle = (proved: boolean) => {
    setAsking(false);
    waiting.current.splice(0).forEach((goOn) => {
      goOn(proved);
    });
  };
  return (
    <Context value={confirmed}>
      {children}
      <ReauthenticationDialog
        open={asking}
        onProved={() => {
          settle(true);
        }}
        onCancel={() => {
          settle(false);
        }}
      />
    </Context>
  );
}
