import { useAuth, useCreateApiKey } from "@portico/sdk/react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { Checkbox, SelectField, TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { useConfirmed } from "./reauthentication";
import { administratorScopes, scopes } from "./scopes";

interface CreateApiKeyProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Takes the secret, which is told only this once. */
  onCreated: (secret: string) => void;
}

/** In how many days a key expires; 0 is never. */
const lifetimes = [
  { days: 30, name: "In 30 days" },
  { days: 90, name: "In 90 days" },
  { days: 365, name: "In a year" },
  { days: 0, name: "Never" },
];

function inDays(days: number): string | null {
  return days === 0 ? null : new Date(Date.now() + days * 86_400_000).toISOString();
}

/** Makes a key. */
export function CreateApiKey({ open, onOpenChange, onCreated }: CreateApiKeyProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New API key"
      description="Give it only what its program needs. You can revoke it at any time."
    >
      <CreateApiKeyForm
        onCancel={() => {
          onOpenChange(false);
        }}
        onCreated={(secret) => {
          onOpenChange(false);
          onCreated(secret);
        }}
      />
    </Dialog>
  );
}

function CreateApiKeyForm({
  onCancel,
  onCreated,
}: {
  onCancel: () => void;
  onCreated: (secret: string) => void;
}) {
  const { user } = useAuth();
  const create = useCreateApiKey();
  const confirmed = useConfirmed();
  const [unscoped, setUnscoped] = useState(false);
  const offered = user?.role === "ADMIN" ? [...scopes, ...administratorScopes] : scopes;

  const submit = async (values: FormData) => {
    const chosen = offered
      .map(({ value }) => value)
      .filter((value) => values.getAll("scopes").includes(value));
    setUnscoped(chosen.length === 0);
    if (chosen.length === 0) {
      return;
    }
    const expiresAt = inDays(Number(text(values, "lifetime")));
    const { secret } = await confirmed(() =>
      create.mutateAsync({ name: text(values, "name"), scopes: chosen, expiresAt }),
    );
    onCreated(secret ?? "");
  };
  return (
    <Form onSubmit={submit} label="New API key">
      <TextField label="Name" name="name" maxLength={100} autoComplete="off" required />
      <SelectField label="Expires" name="lifetime" defaultValue="90">
        {lifetimes.map(({ days, name }) => (
          <option key={days} value={days}>
            {name}
          </option>
        ))}
      </SelectField>
      <fieldset aria-describedby={unscoped ? "scopes-error" : undefined}>
        <legend className="mb-1.5 font-medium">What it may do</legend>
        <div className="flex flex-col gap-2.5">
          {offered.map(({ value, name, explanation }) => (
            <Checkbox key={value} name="scopes" value={value} label={name} hint={explanation} />
          ))}
        </div>
        {unscoped && (
          <p id="scopes-error" role="alert" className="mt-1.5 text-[13px] text-danger-text">
            Choose at least one.
          </p>
        )}
      </fieldset>
      <DialogButtons>
        <Button onClick={onCancel}>Cancel</Button>
        <SubmitButton>Create key</SubmitButton>
      </DialogButtons>
    </Form>
  );
}
