import { useAuth } from "@portico/sdk/react";
import { Inbox, MailQuestionMark } from "lucide-react";
import { Card } from "@/ui/card";
import { LoadMore } from "@/ui/load-more";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, SkeletonRows } from "@/ui/states";
import { useArrivals } from "./changed";
import { InvitationRow, InvitationRowSkeleton } from "./invitation-row";
import { useInbox } from "./use-inbox";
import { VerifyEmailHint } from "./verify-email";

/** Everything that one is invited to. */
export function Invitations() {
  return (
    <>
      <PageHeader title="Invitations" />
      <div className="flex flex-col gap-4">
        <VerifyEmailHint why="Your invitations appear here once the address is known to be yours." />
        <InvitationList />
      </div>
    </>
  );
}

function InvitationList() {
  const { user } = useAuth();
  const invitations = useInbox();
  const rows = invitations.data?.items;
  const arrived = useArrivals(
    rows?.map(({ id }) => id),
    !invitations.hasNextPage,
  );
  if (user?.emailVerified === false) {
    return (
      <Empty Icon={MailQuestionMark} title="Nothing to show yet">
        Follow the link in the mail to verify your email. Then you see who invited you.
      </Empty>
    );
  }
  if (rows === undefined) {
    return invitations.isError ? (
      <Failed error={invitations.error} onRetry={() => void invitations.refetch()} />
    ) : (
      <Card className="divide-y divide-line">
        <SkeletonRows count={2}>
          <InvitationRowSkeleton />
        </SkeletonRows>
      </Card>
    );
  }
  if (rows.length === 0) {
    return (
      <Empty Icon={Inbox} title="No invitations">
        When somebody invites you into a project, you accept or decline it here.
      </Empty>
    );
  }
  return (
    <>
      <Card>
        <ul aria-label="Invitations" className="divide-y divide-line">
          {rows.map((invitation) => (
            <InvitationRow key={invitation.id} invitation={invitation} arrived={arrived.has(invitation.id)} />
          ))}
        </ul>
      </Card>
      {invitations.hasNextPage && (
        <LoadMore
          onLoad={invitations.fetchNextPage}
          pending={invitations.isFetchingNextPage}
          failed={invitations.isFetchNextPageError}
        />
      )}
    </>
  );
}
