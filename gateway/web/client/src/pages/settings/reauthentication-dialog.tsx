import { arePasskeysSupported } from "@portico/sdk";
import { useFactors, usePortico } from "@portico/sdk/react";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { passkeyFailure } from "@/pages/auth/passkeys";
import { Button } from "@/ui/button";
import { CodeField } from "@/ui/code-field";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { PasswordField } from "@/ui/field";
import { Form, SubmitButton, text, typed } from "@/ui/form";

interface ReauthenticationDialogProps {
  open: boolean;
  onProved: () => void;
  onCancel: () => void;
}

/** Asks for the password, or for what else the account has, before something that matters. */
export function ReauthenticationDialog({ open, onProved, onCancel }: ReauthenticationDialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (!next) {
          onCancel();
        }
      }}
      title="Confirm that it is you"
      description="You signed in a while ago. This change needs a fresh proof."
    >
      <Proofs onProved={onProved} onCancel={onCancel} />
    </Dialog>
  );
}

type Way = "password" | "code" | "passkey";

const offers: Record<Way, string> = {
  password: "Use your password",
  code: "Use your authenticator app",
  passkey: "Use a passkey",
};

function Proofs({ onProved, onCancel }: Omit<ReauthenticationDialogProps, "open">) {
  const { auth } = usePortico();
  const factors = useFactors();
  const [way, setWay] = useState<Way>("password");

  const ways: Way[] = ["password"];
  if (factors.data?.totp) {
    ways.push("code");
  }
  if (arePasskeysSupported() && factors.data !== undefined && factors.data.passkeys > 0) {
    ways.push("passkey");
  }
  const submit = async (values: FormData) => {
    if (way === "password") {
      await auth.reauthenticate({ password: typed(values, "password") });
    } else if (way === "code") {
      await auth.reauthenticate({ code: text(values, "code") });
    } else {
      try {
        await auth.reauthenticateWithPasskey();
      } catch (error) {
        throw passkeyFailure(error);
      }
    }
    onProved();
  };
  return (
    <Form key={way} onSubmit={submit} label="Confirm that it is you">
      {way === "password" && (
        <PasswordField label="Password" name="password" autoComplete="current-password" autoFocus />
      )}
      {way === "code" && <CodeField autoFocus />}
      {ways.length > 1 && (
        <div className="flex flex-wrap gap-2">
          {ways
            .filter((other) => other !== way)
            .map((other) => (
              <Button
                key={other}
                size="sm"
                onClick={() => {
                  setWay(other);
                }}
              >
                {offers[other]}
              </Button>
            ))}
        </div>
      )}
      <DialogButtons>
        <Button onClick={onCancel}>Cancel</Button>
        <SubmitButton>
          {way === "passkey" ? (
            <>
              <KeyRound aria-hidden /> Continue with a passkey
            </>
          ) : (
            "Confirm"
          )}
        </SubmitButton>
      </DialogButtons>
    </Form>
  );
}
