import { usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { Alert } from "@/ui/alert";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { AuthLink } from "./auth-link";

/** Asks for a mail by which a new password can be chosen. Whether there is such an account is never said. */
export function ForgotPassword() {
  const { auth } = usePortico();
  const [sentTo, setSentTo] = useState<string | null>(null);

  const submit = async (values: FormData) => {
    const email = text(values, "email");
    await auth.password.forgot({ email });
    setSentTo(email);
  };
  return (
    <>
      <PageHeader
        title="Forgot your password?"
        description="Tell us your email, and we send you a link by which you choose a new one."
      />
      <Form onSubmit={submit}>
        {sentTo !== null && (
          <Alert tone="success">
            If there is an account with {sentTo}, a mail with a link is on its way. The link works for 30
            minutes. Nothing there? Look into the spam folder, or send it again.
          </Alert>
        )}
        <TextField label="Email" name="email" type="email" autoComplete="username" required />
        <SubmitButton>{sentTo === null ? "Send link" : "Send again"}</SubmitButton>
      </Form>
      <p className="mt-6 text-muted">
        <AuthLink to="/login">Back to sign in</AuthLink>
      </p>
    </>
  );
}
