import { useAuth } from "@portico/sdk/react";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { PasswordField, TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { PageHeader } from "@/ui/page";

/** Signing in: by password, then by a second proof where the account has one; or by a passkey alone. */
export function Login() {
  const { login } = useAuth();
  const { redirect } = useSearch({ from: "/entry/login" });
  const router = useRouter();

  const submit = async (values: FormData) => {
    await login({ email: text(values, "email"), password: String(values.get("password")) });
    router.history.replace(redirect ?? "/dashboard");
  };
  return (
    <>
      <PageHeader title="Sign in" />
      <Form onSubmit={submit} label="Sign in">
        <TextField label="Email" name="email" type="email" autoComplete="username webauthn" required />
        <PasswordField label="Password" name="password" autoComplete="current-password" required />
        <SubmitButton>Sign in</SubmitButton>
      </Form>
      <p className="mt-6 text-muted">
        No account yet?{" "}
        <Link
          to="/register"
          search={{ redirect }}
          className="font-medium text-accent-text underline-offset-4 hover:underline"
        >
          Create account
        </Link>
      </p>
    </>
  );
}
