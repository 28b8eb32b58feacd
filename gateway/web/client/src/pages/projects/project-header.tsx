import type { Project } from "@portico/sdk";
import { Link, useMatchRoute } from "@tanstack/react-router";
import { ChevronLeft, Lock } from "lucide-react";
import { cx } from "@/lib/cx";
import { Alert } from "@/ui/alert";
import { Badge } from "@/ui/badge";
import { useHeading, usePageTitle } from "@/ui/page";
import { Skeleton } from "@/ui/states";
import { ProjectBadges } from "./badges";
import { markable, useChanged } from "./changed";
import { InPlace } from "./in-place";
import { asOne, edits, manages } from "./roles";
import { Unarchive } from "./unarchive";
import { useSave } from "./use-save";

const title = "min-w-0 py-1 text-xl leading-7 font-semibold tracking-tight break-words";

/** The name of the project, what is particular about it, and its pages. */
export function ProjectHeader({ project }: { project: Project }) {
  const { name, myRole, visibility, archivedAt } = project;
  const save = useSave();
  const heading = useHeading();
  usePageTitle(name);
  const changed = useChanged([name, visibility, archivedAt].join("\n"));
  const shownName = (
    <h1 ref={heading} tabIndex={-1} className={title}>
      {name}
    </h1>
  );
  return (
    <header className="mb-6">
      <Link
        to="/projects"
        className="-ml-1 inline-flex min-h-8 items-center gap-1 rounded-md pr-2 text-[13px] text-muted hover:text-ink pointer-coarse:min-h-10"
      >
        <ChevronLeft aria-hidden className="size-4" /> Projects
      </Link>
      <div data-changed={changed} className={cx(markable, "-mx-2 rounded-md px-2")}>
        {edits(project) ? (
          <InPlace
            label="Name"
            value={name}
            required
            maxLength={100}
            fieldClass="text-xl font-semibold tracking-tight -ml-[13px]"
            onSave={(name) => save({ name })}
          >
            {shownName}
          </InPlace>
        ) : (
          shownName
        )}
        <div className="flex flex-wrap items-center gap-2 pb-1 text-[13px] text-muted">
          {visibility === "PRIVATE" && (
            <Badge>
              <Lock aria-hidden /> Private
            </Badge>
          )}
          <ProjectBadges project={project} />
          <span>{myRole === null ? "You are not a member" : `You are ${asOne(myRole)}`}</span>
        </div>
      </div>
      <Tabs project={project} />
      {archivedAt !== null && (
        <div className="mt-4">
          <Alert
            tone="warning"
            action={manages(project) ? <Unarchive project={project} size="sm" /> : undefined}
          >
            This project is archived: it can be read, but not changed.
            {!manages(project) && myRole !== null && " An owner or admin can unarchive it."}
          </Alert>
        </div>
      )}
    </header>
  );
}

const tab =
  "flex h-10 items-center border-b-2 border-transparent px-1 text-muted transition-colors hover:text-ink aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-ink";

function Tabs({ project }: { project: Project }) {
  const params = { slug: project.slug };
  const matches = useMatchRoute();
  // A hand-typed address of the settings leads to a page that explains, with its tab.
  const settings = manages(project) || matches({ to: "/projects/$slug/settings" }) !== false;
  return (
    <nav aria-label="Project" className="mt-3 flex gap-5 overflow-x-auto border-b border-line">
      <Link to="/projects/$slug" params={params} activeOptions={{ exact: true }} className={tab}>
        Overview
      </Link>
      <Link to="/projects/$slug/members" params={params} className={tab}>
        Members{" "}
        {project.myRole !== null && <span className="ml-1.5 text-xs text-muted">{project.memberCount}</span>}
      </Link>
      {settings && (
        <Link to="/projects/$slug/settings" params={params} className={tab}>
          Settings
        </Link>
      )}
    </nav>
  );
}

/** Where the head of a project will be, in its size. */
export function ProjectHeaderSkeleton() {
  usePageTitle("Project");
  return (
    <div role="status" className="mb-6">
      <span className="sr-only">Loading</span>
      <div className="flex h-8 items-center">
        <Skeleton className="h-3 w-20" />
      </div>
      <div className="flex h-9 items-center">
        <Skeleton className="h-5 w-56 max-w-full" />
      </div>
      <div className="flex h-6 items-center">
        <Skeleton className="h-4 w-40" />
      </div>
      <div className="mt-3 flex h-[41px] items-center gap-5 border-b border-line">
        <Skeleton className="h-3 w-16" />
        <Skeleton className="h-3 w-16" />
      </div>
    </div>
  );
}
