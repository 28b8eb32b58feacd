import type { User } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { toast } from "sonner";
import { messageOf } from "@/lib/messages";
import { Alert } from "@/ui/alert";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { useConfirmed } from "./reauthentication";

/** The address that one signs in with, whether it is verified, and the way to another. */
export function EmailSection({ user }: { user: User }) {
  const { auth } = usePortico();
  const confirmed = useConfirmed();
  const [askedFor, setAskedFor] = useState<string | null>(null);

  const change = async (values: FormData) => {
    const newEmail = text(values, "newEmail");
    await confirmed(() => auth.email.change({ newEmail }));
    setAskedFor(newEmail);
  };
  return (
    <Section title="Email" description="You sign in with it, and mails from Portico go there.">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-0 font-medium break-all">{user.email}</span>
        {user.emailVerified ? (
          <Badge tone="success">Verified</Badge>
        ) : (
          <Badge tone="warning">Not verified</Badge>
        )}
        {!user.emailVerified && <ResendVerification email={user.email} />}
      </div>
      <Form onSubmit={change} label="Change email">
        {askedFor !== null && (
          <Alert tone="success">
            A mail is on its way to {askedFor}. Follow the link in it to confirm the change; until then you go
            on with {user.email}.
          </Alert>
        )}
        <TextField label="New email" name="newEmail" type="email" autoComplete="email" required />
        <div>
          <SubmitButton variant="secondary">Change email</SubmitButton>
        </div>
      </Form>
    </Section>
  );
}

function ResendVerification({ email }: { email: string }) {
  const { auth } = usePortico();
  const [pending, setPending] = useState(false);
  const send = async () => {
    setPending(true);
    try {
      await auth.email.resend();
      toast.success(`A mail with a link is on its way to ${email}.`);
    } catch (error) {
      toast.error(messageOf(error));
    } finally {
      setPending(false);
    }
  };
  return (
    <Button size="sm" pending={pending} onClick={() => void send()}>
      Resend verification
    </Button>
  );
}
