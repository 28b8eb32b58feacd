import type { Invitation, Project } from "@portico/sdk";
import { useResendInvitation, useRevokeInvitation } from "@portico/sdk/react";
import { MailX, Send } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { cx } from "@/lib/cx";
import { useAction } from "@/lib/use-action";
import { IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Time } from "@/ui/time";
import { markable, useChanged } from "./changed";
import { edits, roleNames } from "./roles";

/** An invitation as those see it who invite: it can be sent again, and taken back. */
export function ProjectInvitationRow({
  invitation,
  project,
  arrived,
}: {
  invitation: Invitation;
  project: Project;
  arrived: boolean;
}) {
  const { id, email, role, status, invitedBy, expiresAt } = invitation;
  const of = { projectId: project.id, id };
  const { mutateAsync: resend } = useResendInvitation();
  const { mutateAsync: revoke } = useRevokeInvitation();
  const [asks, setAsks] = useState(false);
  const resending = useAction(async () => {
    await resend(of);
    toast.success(`The invitation was sent to ${email} again`);
  });
  const changed = useChanged(expiresAt);
  return (
    <li
      data-changed={arrived || changed}
      className={cx("flex min-h-16 items-center gap-3 px-4 py-2.5", markable)}
    >
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{email}</p>
        <p className="text-[13px] text-muted">
          {role !== null && roleNames[role]}
          {invitedBy !== null && `, invited by ${invitedBy.name}`}
          {status === "EXPIRED" ? ", expired " : ", expires "}
          {expiresAt !== null && <Time at={expiresAt} />}
        </p>
      </div>
      {edits(project) && (
        <IconButton
          label={`Resend to ${email}`}
          pending={resending.pending}
          onClick={() => {
            resending.run();
          }}
        >
          <Send aria-hidden />
        </IconButton>
      )}
      <IconButton
        label={`Revoke for ${email}`}
        onClick={() => {
          setAsks(true);
        }}
      >
        <MailX aria-hidden />
      </IconButton>
      <Confirm
        open={asks}
        onOpenChange={setAsks}
        title={`Revoke the invitation of ${email}?`}
        description="The link in their mail no longer leads into the project. You can invite them again later."
        action="Revoke"
        onConfirm={async () => {
          await revoke(of);
          toast.success(`The invitation of ${email} was revoked`);
        }}
      />
    </li>
  );
}
