import type { Invitation } from "@portico/sdk";
import { useAcceptInvitation, useDeclineInvitation } from "@portico/sdk/react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "sonner";
import { cx } from "@/lib/cx";
import { useAction } from "@/lib/use-action";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { markable, useChanged } from "./changed";
import { asOne } from "./roles";

const frame = "flex flex-col gap-3 px-4 py-3 sm:min-h-18 sm:flex-row sm:items-center";

/** An invitation to oneself, to accept or to decline. Accepting leads into the project. */
export function InvitationRow({ invitation, arrived }: { invitation: Invitation; arrived: boolean }) {
  const { id, projectId, projectName, role, invitedBy, expiresAt } = invitation;
  const navigate = useNavigate();
  const { mutateAsync: accept } = useAcceptInvitation();
  const { mutateAsync: decline } = useDeclineInvitation();
  const [asks, setAsks] = useState(false);
  const changed = useChanged([projectName, role, expiresAt].join("\n"));
  const accepting = useAction(async () => {
    await accept(id);
    toast.success(`You are now in ${projectName}`);
    await navigate({ to: "/projects/$slug", params: { slug: projectId } });
  });
  return (
    <li data-changed={arrived || changed} className={cx(frame, markable)}>
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{projectName}</p>
        <p className="text-[13px] text-muted">
          {invitedBy === null ? "You are invited" : `${invitedBy.name} invites you`}
          {role !== null && ` as ${asOne(role)}`}
          {expiresAt !== null && (
            <>
              , expires <Time at={expiresAt} />
            </>
          )}
        </p>
      </div>
      <div className="flex gap-2">
        <Button
          className="flex-1 sm:flex-none"
          aria-label={`Decline ${projectName}`}
          onClick={() => {
            setAsks(true);
          }}
        >
          Decline
        </Button>
        <Button
          variant="primary"
          className="flex-1 sm:flex-none"
          aria-label={`Accept ${projectName}`}
          pending={accepting.pending}
          onClick={() => {
            accepting.run();
          }}
        >
          Accept
        </Button>
      </div>
      <Confirm
        open={asks}
        onOpenChange={setAsks}
        title={`Decline the invitation to ${projectName}?`}
        description="To join later, you have to be invited again."
        action="Decline"
        onConfirm={async () => {
          await decline(id);
          toast.success(`You declined the invitation to ${projectName}`);
        }}
      />
    </li>
  );
}

/** Where an invitation will be, in its size. */
export function InvitationRowSkeleton() {
  return (
    <div className={frame}>
      <div className="min-w-0 flex-1">
        <div className="flex h-5 items-center">
          <Skeleton className="h-3.5 w-40 max-w-full" />
        </div>
        <div className="flex h-5 items-center">
          <Skeleton className="h-3 w-64 max-w-full" />
        </div>
      </div>
      <div className="flex gap-2">
        <Skeleton className="h-9 flex-1 sm:w-20 pointer-coarse:h-10" />
        <Skeleton className="h-9 flex-1 sm:w-20 pointer-coarse:h-10" />
      </div>
    </div>
  );
}
