import { isPorticoError, type SignInResult } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { Alert } from "@/ui/alert";
import { PasswordField, TextField } from "@/ui/field";
import { Form, SubmitButton, text, typed } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { AuthLink } from "./auth-link";
import { PasskeyButton } from "./passkey-button";
import { usePasskeyAutofill } from "./passkey-autofill";

interface PasswordStepProps {
  email: string;
  onEmailChange: (email: string) => void;
  onSignIn: (result: SignInResult) => void;
  redirect: string | undefined;
}

/** The first step of signing in: email and password, or a passkey, after which there is no second step. */
export function PasswordStep({ email, onEmailChange, onSignIn, redirect }: PasswordStepProps) {
  const { auth } = usePortico();
  const [mailsSent, setMailsSent] = useState(0);
  const autofill = usePasskeyAutofill(onSignIn);

  const submit = async (values: FormData) => {
    try {
      onSignIn(await auth.login({ email: text(values, "email"), password: typed(values, "password") }));
    } catch (error) {
      // The server has sent another mail by itself. Signing in once more sends one more.
      if (!isPorticoError(error, "EMAIL_NOT_VERIFIED")) {
        throw error;
      }
      setMailsSent(mailsSent + 1);
    }
  };
  return (
    <>
      <PageHeader title="Sign in" />
      <Form onSubmit={submit} label="Sign in">
        {mailsSent > 0 && (
          <Alert tone="warning">
            {mailsSent === 1
              ? "Your email is not verified yet. We have sent you a mail with a link: follow it, then sign in."
              : "Another mail is on its way. Follow the link in it, then sign in. Nothing there? Look into the spam folder."}
            <SubmitButton variant="secondary" className="mt-3">
              Send another mail
            </SubmitButton>
          </Alert>
        )}
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="username webauthn"
          value={email}
          onChange={(event) => {
            onEmailChange(event.target.value);
          }}
          required
        />
        <PasswordField label="Password" name="password" autoComplete="current-password" required />
        <SubmitButton>Sign in</SubmitButton>
      </Form>
      <PasskeyButton onSignIn={onSignIn} before={autofill.pause} after={autofill.resume} />
      <div className="mt-6 flex flex-wrap justify-between gap-x-6 gap-y-2 text-muted">
        <p>
          No account yet?{" "}
          <AuthLink to="/register" search={{ redirect }}>
            Create account
          </AuthLink>
        </p>
        <p>
          <AuthLink to="/forgot-password">Forgot password?</AuthLink>
        </p>
      </div>
    </>
  );
}
