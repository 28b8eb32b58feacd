import { useState, type ReactNode } from "react";
import { Button } from "./button";
import { Dialog, DialogButtons } from "./dialog";
import { TextField } from "./field";
import { Form, SubmitButton } from "./form";

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  /** The name of the button that does it, such as "Delete project". */
  action: string;
  /** What must be typed first, where there is no way back. */
  typed?: string | undefined;
  tone?: "danger" | "primary" | undefined;
  /** Does it. The dialog closes afterwards; what it throws is shown in it. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something that is hard or impossible to take back. */
export function Confirm({
  open,
  onOpenChange,
  title,
  description,
  action,
  typed,
  tone = "danger",
  onConfirm,
}: ConfirmProps) {
  const [value, setValue] = useState("");
  const [mistyped, setMistyped] = useState(false);
  const change = (next: boolean) => {
    setValue("");
    setMistyped(false);
    onOpenChange(next);
  };
  return (
    <Dialog open={open} onOpenChange={change} title={title} description={description}>
      <Form
        label={title}
        onSubmit={async () => {
          if (typed !== undefined && value.trim() !== typed) {
            setMistyped(true);
            return;
          }
          await onConfirm();
          change(false);
        }}
      >
        {typed !== undefined && (
          <TextField
            label={`Type ${typed} to confirm`}
            value={value}
            autoComplete="off"
            spellCheck={false}
            error={mistyped ? `This is not ${typed}.` : undefined}
            onChange={(event) => {
              setValue(event.target.value);
              setMistyped(false);
            }}
          />
        )}
        <DialogButtons>
          <Button
            onClick={() => {
              change(false);
            }}
          >
            Cancel
          </Button>
          <SubmitButton variant={tone}>{action}</SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
