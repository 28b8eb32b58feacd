import type { Project } from "@portico/sdk";
import { useProjectInvitations } from "@portico/sdk/react";
import { Card } from "@/ui/card";
import { LoadMore } from "@/ui/load-more";
import { Failed, Skeleton } from "@/ui/states";
import { useArrivals } from "./changed";
import { ProjectInvitationRow } from "./project-invitation-row";
import { useKeptFresh } from "./use-kept-fresh";

/** Who is invited and has not answered: not yet, or not in time. */
export function ProjectInvitations({ project }: { project: Project }) {
  return (
    <section aria-labelledby="invitations" className="flex flex-col gap-3">
      <h2 id="invitations" className="text-base font-semibold">
        Invitations
      </h2>
      <Invitations project={project} status="PENDING" />
      <Invitations project={project} status="EXPIRED" />
    </section>
  );
}

function Invitations({ project, status }: { project: Project; status: "PENDING" | "EXPIRED" }) {
  const invitations = useProjectInvitations(project.id, { status });
  const rows = invitations.data?.items;
  useKeptFresh(invitations.refetch, project.memberCount);
  const arrived = useArrivals(
    rows?.map(({ id }) => id),
    !invitations.hasNextPage,
  );
  const isPending = status === "PENDING";
  if (rows === undefined) {
    if (invitations.isError) {
      return <Failed error={invitations.error} onRetry={() => void invitations.refetch()} />;
    }
    return isPending ? (
      <Card className="flex h-16 items-center px-4">
        <span role="status" className="sr-only">
          Loading
        </span>
        <Skeleton className="h-3.5 w-56 max-w-full" />
      </Card>
    ) : null;
  }
  if (rows.length === 0) {
    return isPending ? (
      <Card className="flex min-h-16 items-center px-4 text-muted">Nobody is invited at the moment.</Card>
    ) : null;
  }
  return (
    <>
      <Card>
        <ul
          aria-label={isPending ? "Pending invitations" : "Expired invitations"}
          className="divide-y divide-line"
        >
          {rows.map((invitation) => (
            <ProjectInvitationRow
              key={invitation.id}
              invitation={invitation}
              project={project}
              arrived={arrived.has(invitation.id)}
            />
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
