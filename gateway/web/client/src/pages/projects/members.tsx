import { useAuth, useMembers } from "@portico/sdk/react";
import type { Project } from "@portico/sdk";
import { UserRoundX } from "lucide-react";
import { Card } from "@/ui/card";
import { LoadMore } from "@/ui/load-more";
import { Empty, Failed, SkeletonRows } from "@/ui/states";
import { useArrivals } from "./changed";
import { Invite } from "./invite";
import { MemberRow, MemberRowSkeleton } from "./member-row";
import { useShownProject } from "./project-context";
import { ProjectInvitations } from "./project-invitations";
import { edits, manages } from "./roles";

/** Who is in a project, in which role, and who is invited. */
export function ProjectMembers() {
  const { project } = useShownProject();
  if (project.myRole === null) {
    return (
      <Empty Icon={UserRoundX} title="Only members see who is in a project">
        You see this project because it is public. Ask somebody in it to invite you.
      </Empty>
    );
  }
  return (
    <div className="flex flex-col gap-6">
      {edits(project) && <Invite project={project} />}
      <section aria-labelledby="members" className="flex flex-col gap-3">
        <div>
          <h2 id="members" className="text-base font-semibold">
            Members
          </h2>
          {project.myRole === "VIEWER" && (
            <p className="text-muted">As a viewer you do not see the email addresses of others.</p>
          )}
        </div>
        <Members project={project} />
      </section>
      {manages(project) && <ProjectInvitations project={project} />}
    </div>
  );
}

function Members({ project }: { project: Project }) {
  const { user } = useAuth();
  const members = useMembers(project.id);
  const rows = members.data?.items;
  const arrived = useArrivals(
    rows?.map((row) => row.user?.id ?? ""),
    !members.hasNextPage,
  );
  if (rows === undefined) {
    return members.isError ? (
      <Failed error={members.error} onRetry={() => void members.refetch()} />
    ) : (
      <Card className="divide-y divide-line">
        <SkeletonRows count={Math.min(project.memberCount, 20)}>
          <MemberRowSkeleton />
        </SkeletonRows>
      </Card>
    );
  }
  const owners = rows.filter(({ role }) => role === "OWNER").length;
  return (
    <>
      <Card>
        <ul aria-label="Members" className="divide-y divide-line">
          {rows.map((member) => (
            <MemberRow
              key={member.user?.id}
              member={member}
              project={project}
              isMe={member.user?.id === user?.id}
              isOnlyOwner={!members.hasNextPage && owners === 1 && member.role === "OWNER"}
              arrived={arrived.has(member.user?.id ?? "")}
            />
          ))}
        </ul>
      </Card>
      {members.hasNextPage && (
        <LoadMore
          onLoad={members.fetchNextPage}
          pending={members.isFetchingNextPage}
          failed={members.isFetchNextPageError}
        />
      )}
    </>
  );
}
