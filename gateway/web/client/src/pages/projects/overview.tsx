import { useMembers } from "@portico/sdk/react";
import type { Project } from "@portico/sdk";
import { Link } from "@tanstack/react-router";
import { Avatar } from "@/ui/avatar";
import { Section } from "@/ui/card";
import { Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";
import { InPlace } from "./in-place";
import { useShownProject } from "./project-context";
import { edits, roleNames } from "./roles";
import { useSave } from "./use-save";

/** What a project is about, and who is in it. */
export function ProjectOverview() {
  const { project } = useShownProject();
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <Section title="Description">
        <div className="-my-2">
          <Description project={project} />
        </div>
      </Section>
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-1">
        <Section title="People">
          {project.myRole === null ? (
            <p className="text-muted">
              {project.memberCount === 1 ? "1 member" : `${project.memberCount} members`}. Only members see
              who they are.
            </p>
          ) : (
            <People project={project} />
          )}
        </Section>
        <Section title="Details">
          <dl className="flex flex-col gap-2 text-[13px]">
            <Detail term="Address">{project.slug}</Detail>
            <Detail term="Changed">{project.updatedAt !== null && <Time at={project.updatedAt} />}</Detail>
            <Detail term="Created">{project.createdAt !== null && <Time at={project.createdAt} />}</Detail>
          </dl>
        </Section>
      </div>
    </div>
  );
}

function Description({ project }: { project: Project }) {
  const save = useSave();
  const { description } = project;
  const shown =
    description === null ? (
      <p className="py-[9px] text-muted">No description yet.</p>
    ) : (
      <p className="py-[9px] break-words whitespace-pre-wrap">{description}</p>
    );
  if (!edits(project)) {
    return shown;
  }
  return (
    <InPlace
      label="Description"
      value={description ?? ""}
      multiline
      fieldClass="-ml-[13px]"
      maxLength={2000}
      onSave={(text) => save({ description: text || null })}
    >
      {shown}
    </InPlace>
  );
}

/** How many people are named here; the others are on the page of members. */
const named = 5;

function People({ project }: { project: Project }) {
  const members = useMembers(project.id, { limit: named });
  const first = members.data?.items.slice(0, named);
  if (first === undefined) {
    return members.isError ? (
      <Failed error={members.error} onRetry={() => void members.refetch()} />
    ) : (
      <SkeletonRows count={Math.min(named, project.memberCount)}>
        <div className="flex h-10 items-center gap-2.5">
          <Skeleton className="size-6 rounded-full" />
          <Skeleton className="h-3 w-28" />
        </div>
      </SkeletonRows>
    );
  }
  return (
    <div>
      <ul aria-label="People">
        {first.map(({ user, role }) => (
          <li key={user?.id} className="flex h-10 items-center gap-2.5">
            <Avatar name={user?.name ?? ""} src={user?.avatar ?? null} size="sm" />
            <span className="min-w-0 flex-1 truncate">{user?.name}</span>
            <span className="text-[13px] text-muted">{role !== null && roleNames[role]}</span>
          </li>
        ))}
      </ul>
      {project.memberCount > first.length && (
        <Link
          to="/projects/$slug/members"
          params={{ slug: project.slug }}
          className="mt-2 inline-flex min-h-8 items-center font-medium text-accent-text hover:underline pointer-coarse:min-h-10"
        >
          See all {project.memberCount} members
        </Link>
      )}
    </div>
  );
}

function Detail({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="text-muted">{term}</dt>
      <dd className="min-w-0 truncate">{children}</dd>
    </div>
  );
}
