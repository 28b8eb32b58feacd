import { useDisableTotp } from "@portico/sdk/react";
import { toast } from "sonner";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { useConfirmed } from "./reauthentication";

/** Does without the authenticator app again. */
export function DisableTotp({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const confirmed = useConfirmed();
  const disable = useDisableTotp();
  const submit = async (values: FormData) => {
    await confirmed(() => disable.mutateAsync({ code: text(values, "code") }));
    onOpenChange(false);
    toast.success("Two-factor authentication is off.");
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Turn off two-factor authentication?"
      description="Whoever has your password can then sign in, unless you have passkeys."
    >
      <Form onSubmit={submit} label="Turn off two-factor authentication?">
        <TextField
          label="Code"
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          hint="From your authenticator app, or one of your recovery codes."
        />
        <DialogButtons>
          <Button
            onClick={() => {
              onOpenChange(false);
            }}
          >
            Cancel
          </Button>
          <SubmitButton variant="danger">Turn off</SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
