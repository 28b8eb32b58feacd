import { isPorticoError, type PorticoError, type User } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "sonner";
import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { useConfirmed } from "./reauthentication";

interface OwnedProject {
  id: string;
  name: string;
}

/** The end of an account. Projects that nobody else owns are handed over first. */
export function DeleteAccount({ user }: { user: User }) {
  const { users } = usePortico();
  const confirmed = useConfirmed();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const [owned, setOwned] = useState<OwnedProject[]>([]);

  const remove = async () => {
    try {
      await confirmed(() => users.remove(user.id));
    } catch (error) {
      if (!isPorticoError(error, "LAST_OWNER")) {
        throw error;
      }
      setOwned(projectsOf(error));
      return;
    }
    await navigate({ to: "/login" });
    toast.success(
      "Your account is deleted, and you are signed out. An administrator can restore it for 30 days; then all that is kept about you is gone.",
      { duration: Infinity },
    );
  };
  return (
    <Section
      title="Delete account"
      tone="danger"
      description="You are signed out everywhere and leave all projects. For 30 days an administrator can restore the account; then all that is kept about you is gone."
    >
      {owned.length > 0 && (
        <Alert tone="warning">
          <p>You are the last owner of these projects. Make somebody else an owner, or delete them first:</p>
          <ul className="mt-1.5 list-disc pl-5">
            {owned.map(({ id, name }) => (
              <li key={id}>
                <Link
                  to="/projects/$slug"
                  params={{ slug: id }}
                  className="font-medium underline underline-offset-4"
                >
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      <div>
        <Button
          variant="danger"
          onClick={() => {
            setOwned([]);
            setOpen(true);
          }}
        >
          Delete account
        </Button>
      </div>
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title="Delete your account?"
        description="You are signed out everywhere and leave all projects. For 30 days an administrator can restore the account; after that it is gone for good."
        action="Delete account"
        typed={user.email}
        onConfirm={remove}
      />
    </Section>
  );
}

/** The projects that a refusal names. */
function projectsOf({ details }: PorticoError): OwnedProject[] {
  const projects = details !== null && "projects" in details ? details.projects : [];
  return Array.isArray(projects) ? projects.filter(isOwnedProject) : [];
}

function isOwnedProject(value: unknown): value is OwnedProject {
  return (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    "name" in value &&
    typeof value.id === "string" &&
    typeof value.name === "string"
  );
}
