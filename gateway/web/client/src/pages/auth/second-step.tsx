import { arePasskeysSupported, isPorticoError, type MfaMethod, type SignInResult } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { ArrowLeft, KeyRound } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { CodeField } from "@/ui/code-field";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { passkeyFailure } from "./passkeys";

interface SecondStepProps {
  mfaToken: string;
  methods: readonly MfaMethod[];
  onSignIn: (result: SignInResult) => void;
  onBack: () => void;
}

const offers: Record<MfaMethod, string> = {
  TOTP: "Use your authenticator app",
  PASSKEY: "Use a passkey",
  RECOVERY_CODE: "Use a recovery code",
};

const descriptions: Record<MfaMethod, string> = {
  TOTP: "Enter the code that your authenticator app shows now.",
  PASSKEY: "Confirm with a passkey that it is you.",
  RECOVERY_CODE: "Enter one of the recovery codes that you kept. Each works once.",
};

const order: readonly MfaMethod[] = ["TOTP", "PASSKEY", "RECOVERY_CODE"];

/** The second step of signing in, by one of the ways that the account has. */
export function SecondStep({ mfaToken, methods, onSignIn, onBack }: SecondStepProps) {
  const { auth } = usePortico();
  const usable = order.filter(
    (method) => methods.includes(method) && (method !== "PASSKEY" || arePasskeysSupported()),
  );
  const [method, setMethod] = useState<MfaMethod | undefined>(usable[0]);
  const [wrong, setWrong] = useState<string | undefined>(undefined);

  const answer = async (values: FormData) => {
    setWrong(undefined);
    try {
      if (method === "PASSKEY") {
        onSignIn(await auth.answerChallengeWithPasskey({ mfaToken }));
      } else if (method === "RECOVERY_CODE") {
        onSignIn(await auth.answerChallenge({ mfaToken, recoveryCode: text(values, "recoveryCode") }));
      } else {
        onSignIn(await auth.answerChallenge({ mfaToken, code: text(values, "code") }));
      }
    } catch (error) {
      if (isPorticoError(error, "MFA_CODE_INVALID")) {
        setWrong(
          method === "RECOVERY_CODE"
            ? "That is no recovery code of this account, or it was used already."
            : "That code is wrong or was used already. Enter the one that is shown now.",
        );
        return;
      }
      throw method === "PASSKEY" ? passkeyFailure(error) : error;
    }
  };
  const others = usable.filter((other) => other !== method);
  return (
    <>
      <PageHeader
        title="Confirm that it is you"
        description={
          method === undefined
            ? "This browser knows none of the ways that your account has."
            : descriptions[method]
        }
      />
      {method !== undefined && (
        <Form key={method} onSubmit={answer} label="Confirm that it is you">
          {method === "TOTP" && <CodeField error={wrong} autoFocus />}
          {method === "RECOVERY_CODE" && (
            <TextField
              label="Recovery code"
              name="recoveryCode"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              className="font-mono"
              error={wrong}
              autoFocus
            />
          )}
          <SubmitButton>
            {method === "PASSKEY" ? (
              <>
                <KeyRound aria-hidden /> Continue with a passkey
              </>
            ) : (
              "Sign in"
            )}
          </SubmitButton>
        </Form>
      )}
      <div className="mt-4 flex flex-col gap-2">
        {others.map((other) => (
          <Button
            key={other}
            onClick={() => {
              setWrong(undefined);
              setMethod(other);
            }}
          >
            {offers[other]}
          </Button>
        ))}
        <Button variant="ghost" onClick={onBack}>
          <ArrowLeft aria-hidden /> Back
        </Button>
      </div>
    </>
  );
}
