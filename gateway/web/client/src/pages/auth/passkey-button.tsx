import { arePasskeysSupported, type SignInResult } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { KeyRound } from "lucide-react";
import { Form, SubmitButton } from "@/ui/form";
import { passkeyFailure } from "./passkeys";

interface PasskeyButtonProps {
  onSignIn: (result: SignInResult) => void;
  /** Is called before the browser asks for a passkey, which it can do once at a time. */
  before: () => void;
  /** Is called when none was used. */
  after: () => void;
}

/** Signing in without typing anything. */
export function PasskeyButton({ onSignIn, before, after }: PasskeyButtonProps) {
  const { auth } = usePortico();
  if (!arePasskeysSupported()) {
    return null;
  }
  const submit = async () => {
    before();
    try {
      onSignIn(await auth.loginWithPasskey());
    } catch (error) {
      after();
      throw passkeyFailure(error);
    }
  };
  return (
    <>
      <div aria-hidden className="my-4 flex items-center gap-3 text-xs text-muted">
        <span className="h-px flex-1 bg-line" />
        or
        <span className="h-px flex-1 bg-line" />
      </div>
      <Form onSubmit={submit} label="Passkey">
        <SubmitButton variant="secondary">
          <KeyRound aria-hidden /> Use a passkey
        </SubmitButton>
      </Form>
    </>
  );
}
