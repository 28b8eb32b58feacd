import { PorticoError, type User } from "@portico/sdk";
import { useAuth, useDeleteUser } from "@portico/sdk/react";
import { useState } from "react";
import { toast } from "sonner";
import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";

/** Deletes somebody's account, once its address was typed. Projects that it alone owns need a new owner first. */
export function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { user: me } = useAuth();
  const deleting = useDeleteUser();
  const [mistyped, setMistyped] = useState(false);
  const [orphans, setOrphans] = useState<string[]>([]);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`Delete the account of ${user.name}?`}
      description="They are signed out everywhere and leave all projects. You can restore the account within 30 days; then all its data is removed."
    >
      <Form
        label="Delete account"
        onSubmit={async (values) => {
          if (text(values, "typed") !== user.email) {
            setMistyped(true);
            return;
          }
          try {
            await deleting.mutateAsync({
              id: user.id,
              etag: user.etag,
              newOwnerId: orphans.length > 0 ? me?.id : undefined,
            });
          } catch (error) {
            const names = projectsOf(error);
            if (names.length === 0 || orphans.length > 0) {
              throw error;
            }
            setOrphans(names);
            return;
          }
          toast.success(`The account of ${user.name} is deleted.`);
          onClose();
        }}
      >
        {orphans.length > 0 && (
          <Alert tone="warning">
            <p>{user.name} is the only owner of:</p>
            <ul className="my-1 list-disc pl-5">
              {orphans.map((name) => (
                <li key={name}>{name}</li>
              ))}
            </ul>
            <p>If you go on, you become the owner. Or ask {user.name} to hand them over first.</p>
          </Alert>
        )}
        <TextField
          label={`Type ${user.email} to confirm`}
          name="typed"
          autoComplete="off"
          spellCheck={false}
          error={mistyped ? `This is not ${user.email}.` : undefined}
          onChange={() => {
            setMistyped(false);
          }}
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <SubmitButton variant="danger">
            {orphans.length > 0 ? "Become owner and delete account" : "Delete account"}
          </SubmitButton>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}

/** The projects that stand against a deletion, by name. */
function projectsOf(error: unknown): string[] {
  if (!(error instanceof PorticoError) || error.code !== "LAST_OWNER") {
    return [];
  }
  const { details } = error;
  const projects =
    typeof details === "object" && details !== null && "projects" in details ? details.projects : null;
  return Array.isArray(projects)
    ? projects.flatMap((project: unknown) =>
        typeof project === "object" &&
        project !== null &&
        "name" in project &&
        typeof project.name === "string"
          ? [project.name]
          : [],
      )
    : [];
}
