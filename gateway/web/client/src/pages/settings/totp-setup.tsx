import type { TotpSecret } from "@portico/sdk";
import { useConfirmTotp } from "@portico/sdk/react";
import { Button } from "@/ui/button";
import { CodeField } from "@/ui/code-field";
import { CopyButton } from "@/ui/copy-button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { Form, SubmitButton, text } from "@/ui/form";
import { useConfirmed } from "./reauthentication";

interface TotpSetupProps {
  /** What the app is given; `null` while nothing is being set up. */
  secret: TotpSecret | null;
  onClose: () => void;
  onDone: (recoveryCodes: readonly string[]) => void;
}

/** Gives an authenticator app its secret, and sees by a first code that it has it. */
export function TotpSetup({ secret, onClose, onDone }: TotpSetupProps) {
  const confirmed = useConfirmed();
  const confirm = useConfirmTotp();
  const submit = async (values: FormData) => {
    const { recoveryCodes } = await confirmed(() => confirm.mutateAsync({ code: text(values, "code") }));
    onDone(recoveryCodes);
  };
  return (
    <Dialog
      open={secret !== null}
      onOpenChange={onClose}
      title="Set up your authenticator app"
      description="Scan the picture with the app, or type the secret into it. Then enter the code that it shows."
    >
      {secret !== null && (
        <Form onSubmit={submit} label="Set up your authenticator app">
          <img
            src={`data:image/svg+xml,${encodeURIComponent(secret.qrSvg)}`}
            alt="QR code for the authenticator app"
            width={192}
            height={192}
            className="self-center rounded-md bg-white p-2"
          />
          <div className="flex items-center gap-2">
            <code
              aria-label="Secret"
              className="min-w-0 flex-1 rounded-md border border-line bg-canvas px-3 py-2 font-mono text-[13px] break-all"
            >
              {secret.secret}
            </code>
            <CopyButton text={secret.secret} label="Copy secret" />
          </div>
          <CodeField />
          <DialogButtons>
            <Button onClick={onClose}>Cancel</Button>
            <SubmitButton>Turn on</SubmitButton>
          </DialogButtons>
        </Form>
      )}
    </Dialog>
  );
}
