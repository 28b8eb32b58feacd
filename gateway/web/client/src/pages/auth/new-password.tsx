import { isPorticoError } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { Alert } from "@/ui/alert";
import { ButtonLink } from "@/ui/button";
import { Form, SubmitButton, typed } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { BrokenLink } from "./broken-link";
import { useLinkToken } from "./link-token";
import { NewPasswordField } from "./new-password-field";

/** Behind the link in a mail for those who forgot their password. */
export function ResetPassword() {
  return (
    <NewPassword
      title="Choose a new password"
      description="You will be signed out everywhere, and sign in with the new password."
      done="You have a new password, and were signed out everywhere."
    />
  );
}

/** Behind the link in the first mail of an account that an administrator made. */
export function SetPassword() {
  return (
    <NewPassword
      title="Choose a password"
      description="You sign in with it and the address to which the mail went."
      done="Your account is ready."
    />
  );
}

interface NewPasswordProps {
  title: string;
  description: string;
  /** What is said once the password is set. */
  done: string;
}

function NewPassword({ title, description, done }: NewPasswordProps) {
  const token = useLinkToken();
  // A second link that is opened in the same tab begins anew.
  return <NewPasswordForm key={token} token={token} title={title} description={description} done={done} />;
}

function NewPasswordForm({ token, title, description, done }: NewPasswordProps & { token: string | null }) {
  const { auth } = usePortico();
  const [state, setState] = useState<"asked" | "done" | "broken">(token === null ? "broken" : "asked");

  const submit = async (values: FormData) => {
    try {
      await auth.password.reset({ token: token ?? "", newPassword: typed(values, "newPassword") });
      setState("done");
    } catch (error) {
      if (!isPorticoError(error, "LINK_INVALID")) {
        throw error;
      }
      setState("broken");
    }
  };
  if (state === "broken") {
    return (
      <BrokenLink title={title} incomplete={token === null}>
        <ButtonLink to="/forgot-password" variant="primary">
          Get a new link
        </ButtonLink>
      </BrokenLink>
    );
  }
  if (state === "done") {
    return (
      <>
        <PageHeader key="done" title="Password set" />
        <Alert tone="success">{done} Sign in with your new password.</Alert>
        <ButtonLink to="/login" variant="primary" className="mt-4 w-full">
          Sign in
        </ButtonLink>
      </>
    );
  }
  return (
    <>
      <PageHeader title={title} description={description} />
      <Form onSubmit={submit}>
        <NewPasswordField label="New password" name="newPassword" />
        <SubmitButton>Set password</SubmitButton>
      </Form>
    </>
  );
}
