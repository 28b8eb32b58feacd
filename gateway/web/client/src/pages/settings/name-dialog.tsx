import type { ReactNode } from "react";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";

interface NameDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  /** The name of the button that goes on. */
  action: string;
  initial?: string | undefined;
  /** Takes the name. The dialog closes afterwards; what it throws is shown in it. */
  onSubmit: (name: string) => Promise<unknown>;
}

/** Asks for a name. */
export function NameDialog({
  open,
  onOpenChange,
  title,
  description,
  action,
  initial = "",
  onSubmit,
}: NameDialogProps) {
  const submit = async (values: FormData) => {
    await onSubmit(text(values, "name"));
    onOpenChange(false);
  };
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} description={description}>
      <Form onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          defaultValue={initial}
          maxLength={100}
          autoComplete="off"
          required
        />
        <DialogButtons>
          <Button
            onClick={() => {
              onOpenChange(false);
            }}
          >
            Cancel
          </Button>
          <SubmitButton>{action}</SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
