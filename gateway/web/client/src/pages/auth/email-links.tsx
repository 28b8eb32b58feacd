import { isPorticoError, type User } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useState, type ReactNode } from "react";
import { Alert } from "@/ui/alert";
import { ButtonLink } from "@/ui/button";
import { Form, SubmitButton } from "@/ui/form";
import { PageHeader } from "@/ui/page";
import { BrokenLink } from "./broken-link";
import { useLinkToken } from "./link-token";
import { UndoneEmailChange } from "./undone-email-change";

/** Behind the link in the mail that a new account gets. */
export function VerifyEmail() {
  const { auth } = usePortico();
  return (
    <EmailLink
      title="Verify your email"
      description="Confirm that the address to which the mail went is yours."
      action="Verify email"
      act={(token) => auth.email.verify({ token })}
      done={({ email }) => <Done title="Email verified">{email} is verified. Thank you.</Done>}
      another="Sign in, and send another mail from your profile. If signing in asks for it first, it sends one by itself."
    />
  );
}

/** Behind the link in the mail to an address that an account changes to. */
export function ConfirmEmail() {
  const { auth } = usePortico();
  return (
    <EmailLink
      title="Confirm your new email"
      description="From then on you sign in with the new address."
      action="Confirm new email"
      act={(token) => auth.email.verify({ token })}
      done={({ email }) => (
        <Done title="Email changed">Your account has the email {email} now. You sign in with it.</Done>
      )}
      another="Change the email in your profile again to get another one."
    />
  );
}

/** Behind the link in the mail to an address that an account changed from. */
export function UndoEmailChange() {
  const { auth } = usePortico();
  return (
    <EmailLink
      title="Undo the change of your email"
      description="Your account gets its former address back, changes made since to its password, passkeys, authenticator and API keys are undone, and everybody who is signed in to it is signed out."
      action="Undo the change"
      act={(token) => auth.email.undo({ token })}
      done={({ email }) => <UndoneEmailChange email={email} />}
      another="A change can be undone for 7 days. If your account is in other hands, ask an administrator for help."
    />
  );
}

interface EmailLinkProps {
  title: string;
  description: string;
  /** The name of the button, which does it. Nothing happens before: programs that look at mails follow links, too. */
  action: string;
  act: (token: string) => Promise<User>;
  done: (user: User) => ReactNode;
  /** How to get another link. */
  another: string;
}

function EmailLink(props: EmailLinkProps) {
  const token = useLinkToken();
  // A second link that is opened in the same tab begins anew.
  return <EmailLinkForm key={token} token={token} {...props} />;
}

function EmailLinkForm({
  token,
  title,
  description,
  action,
  act,
  done,
  another,
}: EmailLinkProps & { token: string | null }) {
  const [user, setUser] = useState<User | null>(null);
  const [broken, setBroken] = useState(token === null);

  const submit = async () => {
    try {
      setUser(await act(token ?? ""));
    } catch (error) {
      if (!isPorticoError(error, "LINK_INVALID")) {
        throw error;
      }
      setBroken(true);
    }
  };
  if (user !== null) {
    return done(user);
  }
  if (broken) {
    return (
      <BrokenLink title={title} incomplete={token === null}>
        <p className="mb-2 text-muted">{another}</p>
        <ButtonLink to="/settings" variant="primary">
          Go to your profile
        </ButtonLink>
      </BrokenLink>
    );
  }
  return (
    <>
      <PageHeader title={title} description={description} />
      <Form onSubmit={submit} label={title}>
        <SubmitButton>{action}</SubmitButton>
      </Form>
    </>
  );
}

function Done({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <PageHeader title={title} />
      <Alert tone="success">{children}</Alert>
      <ButtonLink to="/dashboard" variant="primary" className="mt-4 w-full">
        Continue
      </ButtonLink>
    </>
  );
}
