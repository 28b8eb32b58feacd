import { usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { Alert } from "@/ui/alert";
import { ButtonLink } from "@/ui/button";
import { Form, SubmitButton } from "@/ui/form";
import { PageHeader } from "@/ui/page";

/** After an undo, the account may have a password that somebody else knows: to choose another is the next thing to do. */
export function UndoneEmailChange({ email }: { email: string }) {
  const { auth } = usePortico();
  const [sent, setSent] = useState(false);
  const submit = async () => {
    await auth.password.forgot({ email });
    setSent(true);
  };
  return (
    <>
      <PageHeader title="Change undone" />
      <Form onSubmit={submit} label="Choose a new password">
        <Alert tone="success">
          Your account has the email {email} again, and everybody was signed out. If it was not you who
          changed it, somebody else may know your password: choose a new one.
        </Alert>
        {sent ? (
          <Alert>A mail with a link is on its way to {email}.</Alert>
        ) : (
          <SubmitButton>Send me a link for a new password</SubmitButton>
        )}
        <ButtonLink to="/login">Sign in</ButtonLink>
      </Form>
    </>
  );
}
