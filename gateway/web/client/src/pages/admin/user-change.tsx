import type { User } from "@portico/sdk";
import { usePortico, useUpdateUser } from "@portico/sdk/react";
import { toast } from "sonner";
import { Confirm } from "@/ui/confirm";

/** What is asked for first, and then done to somebody's account. */
export type Change = "promote" | "demote" | "disable" | "enable" | "endSessions" | "resetMfa";

interface Question {
  title: (name: string) => string;
  description: string;
  action: string;
  tone: "danger" | "primary";
  done: (name: string) => string;
}

const questions: Record<Change, Question> = {
  promote: {
    title: (name) => `Make ${name} an administrator?`,
    description:
      "Administrators see all accounts and the audit log, and change the roles of others, also yours.",
    action: "Make administrator",
    tone: "primary",
    done: (name) => `${name} is an administrator now.`,
  },
  demote: {
    title: (name) => `Make ${name} a member?`,
    description: "They no longer see these pages. Their projects stay as they are.",
    action: "Make member",
    tone: "danger",
    done: (name) => `${name} is a member now.`,
  },
  disable: {
    title: (name) => `Disable the account of ${name}?`,
    description:
      "They are signed out everywhere within seconds and cannot sign in until the account is enabled again. Nothing is lost.",
    action: "Disable account",
    tone: "danger",
    done: (name) => `The account of ${name} is disabled.`,
  },
  enable: {
    title: (name) => `Enable the account of ${name}?`,
    description: "They can sign in again, with everything as it was.",
    action: "Enable account",
    tone: "primary",
    done: (name) => `The account of ${name} is enabled.`,
  },
  endSessions: {
    title: (name) => `End all sessions of ${name}?`,
    description: "They are signed out on every device within seconds, and can sign in again. API keys stay.",
    action: "End sessions",
    tone: "danger",
    done: (name) => `${name} is signed out everywhere.`,
  },
  resetMfa: {
    title: (name) => `Reset two-factor sign-in of ${name}?`,
    description:
      "Their authenticator app, recovery codes and passkeys are removed, and they are told by mail. Make sure that it is really them who asked.",
    action: "Reset two-factor sign-in",
    tone: "danger",
    done: (name) => `Two-factor sign-in of ${name} is reset.`,
  },
};

export function UserChange({ user, change, onClose }: { user: User; change: Change; onClose: () => void }) {
  const portico = usePortico();
  const updating = useUpdateUser();
  const { title, description, action, tone, done } = questions[change];
  const update = (changes: { role?: "ADMIN" | "MEMBER"; status?: "ACTIVE" | "DISABLED" }) =>
    updating.mutateAsync({ id: user.id, changes, etag: user.etag });
  const acts: Record<Change, () => Promise<unknown>> = {
    promote: () => update({ role: "ADMIN" }),
    demote: () => update({ role: "MEMBER" }),
    disable: () => update({ status: "DISABLED" }),
    enable: () => update({ status: "ACTIVE" }),
    endSessions: () => portico.users.endSessions(user.id),
    resetMfa: () => portico.users.resetMfa(user.id),
  };
  return (
    <Confirm
      open
      onOpenChange={onClose}
      title={title(user.name)}
      description={description}
      action={action}
      tone={tone}
      onConfirm={async () => {
        await acts[change]();
        toast.success(done(user.name));
      }}
    />
  );
}
