import { useAuth, useProjects } from "@portico/sdk/react";
import { Link } from "@tanstack/react-router";
import { FolderPlus, Plus } from "lucide-react";
import { ButtonLink } from "@/ui/button";
import { Card } from "@/ui/card";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { useArrivals } from "./changed";
import { InvitationRow } from "./invitation-row";
import { useLiveRows } from "./live-rows";
import { ProjectRow, ProjectRowSkeleton } from "./project-row";
import { useInbox } from "./use-inbox";
import { VerifyEmailHint } from "./verify-email";

/** How many projects are shown here; the others are on the page of projects. */
const recent = 6;

/** Where one begins: what waits for an answer, and what one worked on last. */
export function Dashboard() {
  const { user } = useAuth();
  const firstName = user?.name.trim().split(/\s+/)[0] ?? "";
  return (
    <>
      <PageHeader
        title={`${greeting()}, ${firstName}`}
        actions={
          <ButtonLink to="/projects" search={{ new: 1 }} variant="primary">
            <Plus aria-hidden /> New project
          </ButtonLink>
        }
      />
      <div className="flex flex-col gap-8">
        <VerifyEmailHint why="Until then you see no invitations." />
        <WhatIsNew />
      </div>
    </>
  );
}

/** Shown at once, when it is known whether there are invitations: else they would push the projects down. */
function WhatIsNew() {
  const { isLoading } = useInbox();
  return isLoading ? (
    <RecentSkeleton />
  ) : (
    <>
      <Waiting />
      <Recent />
    </>
  );
}

function greeting(): string {
  const hour = new Date().getHours();
  if (hour >= 5 && hour < 12) {
    return "Good morning";
  }
  return hour >= 12 && hour < 18 ? "Good afternoon" : "Good evening";
}

/** Invitations, where there are any. */
function Waiting() {
  const invitations = useInbox();
  const rows = invitations.data?.items;
  const arrived = useArrivals(
    rows?.map(({ id }) => id),
    !invitations.hasNextPage,
  );
  if (rows === undefined || rows.length === 0) {
    return null;
  }
  return (
    <section aria-labelledby="waiting" className="flex flex-col gap-3">
      <h2 id="waiting" className="text-base font-semibold">
        Invitations
      </h2>
      <Card>
        <ul aria-label="Invitations" className="divide-y divide-line">
          {rows.map((invitation) => (
            <InvitationRow key={invitation.id} invitation={invitation} arrived={arrived.has(invitation.id)} />
          ))}
        </ul>
      </Card>
      {invitations.hasNextPage && <More to="/invitations">See all invitations</More>}
    </section>
  );
}

function Recent() {
  const projects = useProjects({ sort: "-updatedAt", limit: recent });
  const rows = projects.data?.items.slice(0, recent);
  const ids = rows?.map(({ id }) => id);
  const arrived = useArrivals(ids, !projects.hasNextPage);
  useLiveRows(ids ?? []);
  if (rows === undefined) {
    return projects.isError ? (
      <Failed error={projects.error} onRetry={() => void projects.refetch()} />
    ) : (
      <RecentSkeleton />
    );
  }
  if (rows.length === 0) {
    return (
      <Card>
        <Empty
          Icon={FolderPlus}
          title="Start your first project"
          action={
            <ButtonLink to="/projects" search={{ new: 1 }} variant="primary">
              <Plus aria-hidden /> New project
            </ButtonLink>
          }
        >
          A project is what you share with others. Create one, then invite people by email; or accept the
          invitation of somebody else.
        </Empty>
      </Card>
    );
  }
  return (
    <section aria-labelledby="recent" className="flex flex-col gap-3">
      <h2 id="recent" className="text-base font-semibold">
        Recent projects
      </h2>
      <Card>
        <ul aria-label="Recent projects" className="divide-y divide-line">
          {rows.map((project) => (
            <ProjectRow key={project.id} project={project} arrived={arrived.has(project.id)} />
          ))}
        </ul>
      </Card>
      {projects.hasNextPage && <More to="/projects">See all projects</More>}
    </section>
  );
}

function RecentSkeleton() {
  return (
    <div className="flex flex-col gap-3">
      <span className="flex h-6 items-center">
        <Skeleton className="h-3.5 w-32" />
      </span>
      <Card className="divide-y divide-line">
        <SkeletonRows count={recent}>
          <ProjectRowSkeleton />
        </SkeletonRows>
      </Card>
    </div>
  );
}

function More({ to, children }: { to: "/projects" | "/invitations"; children: string }) {
  return (
    <Link
      to={to}
      className="inline-flex min-h-8 items-center self-start font-medium text-accent-text hover:underline pointer-coarse:min-h-10"
    >
      {children}
    </Link>
  );
}
