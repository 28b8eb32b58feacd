import { isPorticoError, type User } from "@portico/sdk";
import { usePortico, useUpdateUser } from "@portico/sdk/react";
import { useState } from "react";
import { toast } from "sonner";
import { Avatar } from "@/ui/avatar";
import { Section } from "@/ui/card";
import { TextField } from "@/ui/field";
import { Form, SubmitButton } from "@/ui/form";

/** What was typed; a field that was not touched goes on showing what the account has, as it changes. */
interface Edits {
  name?: string;
  avatar?: string;
}

/** Name and picture. A picture is somewhere on the web: this keeps its address. */
export function ProfileForm({ user }: { user: User }) {
  const { auth } = usePortico();
  const update = useUpdateUser();
  const [edits, setEdits] = useState<Edits>({});
  const name = edits.name ?? user.name;
  const avatar = edits.avatar ?? user.avatar ?? "";

  const submit = async () => {
    const changes = {
      ...(edits.name !== undefined && { name: name.trim() }),
      ...(edits.avatar !== undefined && { avatar: avatar.trim() || null }),
    };
    try {
      await update.mutateAsync({ id: user.id, changes, etag: user.etag });
    } catch (error) {
      if (isPorticoError(error, "ETAG_MISMATCH")) {
        // What somebody else changed shows in the fields that were not touched, and the next try is about that.
        await auth.me();
      }
      throw error;
    }
    setEdits({});
    toast.success("Profile saved.");
  };
  return (
    <Section title="About you" description="Members of your projects see your name and picture.">
      <Form onSubmit={submit} label="About you">
        <div className="flex items-start gap-4">
          <Avatar name={name || user.name} src={avatar.startsWith("https://") ? avatar : null} size="lg" />
          <div className="min-w-0 flex-1">
            <TextField
              label="Picture"
              name="avatar"
              type="url"
              inputMode="url"
              placeholder="https://"
              hint="The address of a picture on the web."
              value={avatar}
              onChange={(event) => {
                setEdits({ ...edits, avatar: event.target.value });
              }}
            />
          </div>
        </div>
        <TextField
          label="Name"
          name="name"
          autoComplete="name"
          required
          value={name}
          onChange={(event) => {
            setEdits({ ...edits, name: event.target.value });
          }}
        />
        <div>
          <SubmitButton>Save</SubmitButton>
        </div>
      </Form>
    </Section>
  );
}
