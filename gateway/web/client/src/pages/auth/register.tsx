import { isPorticoError } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { Alert } from "@/ui/alert";
import { ButtonLink } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text, typed } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { AuthLink } from "./auth-link";
import { NewPasswordField } from "./new-password-field";

/** Making an account. Where the email must be verified first, the mail says how to go on. */
export function Register() {
  const { auth } = usePortico();
  const { redirect } = useSearch({ from: "/entry/register" });
  const router = useRouter();
  const emailField = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [taken, setTaken] = useState(false);

  const submit = async (values: FormData) => {
    setTaken(false);
    try {
      const result = await auth.register({
        name: text(values, "name"),
        email: text(values, "email"),
        password: typed(values, "password"),
      });
      if (result.status === "verificationRequired") {
        setSentTo(text(values, "email"));
      } else {
        router.history.replace(redirect ?? "/dashboard");
      }
    } catch (error) {
      if (!isPorticoError(error, "EMAIL_EXISTS")) {
        throw error;
      }
      setTaken(true);
      emailField.current?.focus();
    }
  };
  if (sentTo !== null) {
    return (
      <>
        <PageHeader key="sent" title="Look into your mail" />
        <Alert tone="success">
          We have sent a mail to {sentTo}. Follow the link in it, then sign in. Nothing there? Look into the
          spam folder.
        </Alert>
        <ButtonLink to="/login" search={{ redirect }} variant="primary" className="mt-4 w-full">
          Sign in
        </ButtonLink>
      </>
    );
  }
  return (
    <>
      <PageHeader title="Create account" />
      <Form onSubmit={submit} label="Create account">
        <TextField
          label="Name"
          name="name"
          autoComplete="name"
          required
          value={name}
          onChange={(event) => {
            setName(event.target.value);
          }}
        />
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="email"
          required
          ref={emailField}
          value={email}
          onChange={(event) => {
            setEmail(event.target.value);
          }}
          error={
            taken ? (
              <>
                There is an account with this email already.{" "}
                <AuthLink to="/login" search={{ redirect }}>
                  Sign in instead
                </AuthLink>
              </>
            ) : undefined
          }
        />
        <NewPasswordField label="Password" name="password" email={email} person={name} />
        <SubmitButton>Create account</SubmitButton>
      </Form>
      <p className="mt-6 text-muted">
        Have an account?{" "}
        <AuthLink to="/login" search={{ redirect }}>
          Sign in
        </AuthLink>
      </p>
    </>
  );
}
