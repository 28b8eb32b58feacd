/** Taking somebody out of a project, or oneself. */
import type { Member, Project } from "@portico/sdk";
import { useAuth, useRemoveMember } from "@portico/sdk/react";
import { toast } from "sonner";
import { Button, ButtonLink } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Dialog, DialogButtons } from "@/ui/dialog";
import { useShownProject } from "./project-context";

interface AsksProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  project: Project;
}

export function RemoveMember({
  open,
  onOpenChange,
  project,
  member,
  name,
}: AsksProps & { member: Member; name: string }) {
  const { mutateAsync: remove } = useRemoveMember();
  return (
    <Confirm
      open={open}
      onOpenChange={onOpenChange}
      title={`Remove ${name}?`}
      description={`${name} loses access to ${project.name} at once. You can invite them again later.`}
      action="Remove"
      onConfirm={async () => {
        await remove({ projectId: project.id, userId: member.user?.id ?? "", etag: member.etag });
        toast.success(`${name} was removed`);
      }}
    />
  );
}

export function LeaveProject({
  open,
  onOpenChange,
  project,
  isOnlyOwner,
}: AsksProps & { isOnlyOwner: boolean }) {
  const { user } = useAuth();
  const { depart } = useShownProject();
  const { mutateAsync: remove } = useRemoveMember();
  if (isOnlyOwner) {
    return (
      <Dialog
        open={open}
        onOpenChange={onOpenChange}
        title="You are the only owner"
        description="A project needs an owner. Make somebody else an owner first, or transfer or delete the project in its settings."
      >
        <DialogButtons>
          <ButtonLink to="/projects/$slug/settings" params={{ slug: project.slug }}>
            Open settings
          </ButtonLink>
          <Button
            variant="primary"
            onClick={() => {
              onOpenChange(false);
            }}
          >
            Stay
          </Button>
        </DialogButtons>
      </Dialog>
    );
  }
  return (
    <Confirm
      open={open}
      onOpenChange={onOpenChange}
      title={`Leave ${project.name}?`}
      description={
        project.visibility === "PUBLIC"
          ? "You are no longer a member, but still see the project, as it is public."
          : "You lose access at once. Somebody in the project has to invite you again."
      }
      action="Leave project"
      onConfirm={() =>
        depart(() => remove({ projectId: project.id, userId: user?.id ?? "" }), `You left ${project.name}`)
      }
    />
  );
}
