import { useCreateProject } from "@portico/sdk/react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { TextArea, TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { AddressHint, asSlug, VisibilityField, type Visibility } from "./fields";
import { slugFrom } from "./slug";

interface NewProjectProps {
  onClose: () => unknown;
  onCreated: (slug: string) => Promise<unknown>;
}

/** Asks for what a project needs. The address follows the name until somebody changes it. */
export default function NewProject({ onClose, onCreated }: NewProjectProps) {
  const { mutateAsync: create } = useCreateProject();
  const [name, setName] = useState("");
  /** What somebody typed; null for what follows from the name. */
  const [chosen, setChosen] = useState<string | null>(null);
  const [visibility, setVisibility] = useState<Visibility>("PRIVATE");
  const slug = chosen ?? slugFrom(name);
  return (
    <Dialog open onOpenChange={() => onClose()} title="New project">
      <Form
        label="New project"
        onSubmit={async (values) => {
          const project = await create({
            name: text(values, "name"),
            description: text(values, "description") || null,
            visibility,
            // Where nobody chose one, the server finds an address that is not taken.
            ...(chosen ? { slug: chosen } : {}),
          });
          await onCreated(project.slug);
        }}
      >
        <TextField
          label="Name"
          name="name"
          value={name}
          maxLength={100}
          autoComplete="off"
          autoFocus
          required
          onChange={({ target }) => {
            setName(target.value);
          }}
        />
        <TextField
          label="Address"
          name="slug"
          value={slug}
          maxLength={63}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          hint={<AddressHint slug={slug} />}
          onChange={({ target }) => {
            setChosen(asSlug(target.value));
          }}
        />
        <TextArea label="Description" name="description" maxLength={2000} hint="Optional." />
        <VisibilityField value={visibility} onChange={setVisibility} />
        <DialogButtons>
          <Button onClick={() => onClose()}>Cancel</Button>
          <SubmitButton>Create project</SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
