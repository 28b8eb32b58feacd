import type { Project } from "@portico/sdk";
import { Link } from "@tanstack/react-router";
import { Users } from "lucide-react";
import { cx } from "@/lib/cx";
import { Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { ProjectBadges } from "./badges";
import { markable, useChanged } from "./changed";
import { roleNames } from "./roles";

const frame = "flex min-h-18 items-center gap-x-6 px-4 py-3";
const facts = "hidden shrink-0 items-center text-[13px] text-muted lg:flex";

/** A project in the list: all of it leads to the project. */
export function ProjectRow({ project, arrived }: { project: Project; arrived: boolean }) {
  const { name, slug, description, myRole, memberCount, archivedAt, visibility, updatedAt } = project;
  const changed = useChanged([name, slug, description, myRole, archivedAt, visibility].join("\n"));
  return (
    <li data-project={project.id}>
      <Link
        to="/projects/$slug"
        params={{ slug }}
        data-changed={arrived || changed}
        className={cx(frame, markable, "-outline-offset-2 hover:bg-hover")}
      >
        <span className="min-w-0 flex-1">
          <span className="flex min-w-0 items-center gap-2">
            <span className="truncate font-medium" data-name>
              {name}
            </span>
            <ProjectBadges project={project} />
          </span>
          <span className="mt-0.5 flex min-w-0 gap-2 text-[13px] text-muted">
            <span className={cx("shrink-0 truncate", description === null ? "max-w-full" : "max-w-1/2")}>
              {slug}
            </span>
            {description !== null && (
              <>
                <span aria-hidden>·</span>
                <span className="truncate">{description}</span>
              </>
            )}
          </span>
          <span className="mt-0.5 block text-[13px] text-muted lg:hidden">
            {myRole !== null && `${roleNames[myRole]}, `}
            {memberCount === 1 ? "1 member, " : `${memberCount} members, `}
            {updatedAt !== null && <Time at={updatedAt} />}
          </span>
        </span>
        <span className={cx(facts, "w-16")}>{myRole === null ? "" : roleNames[myRole]}</span>
        <span className={cx(facts, "w-10 gap-1.5")}>
          <Users aria-hidden className="size-3.5" />
          {memberCount}
          <span className="sr-only">{memberCount === 1 ? "member" : "members"}</span>
        </span>
        <span className={cx(facts, "w-28 justify-end")}>{updatedAt !== null && <Time at={updatedAt} />}</span>
      </Link>
    </li>
  );
}

/** Where a project will be, in its size. */
export function ProjectRowSkeleton() {
  return (
    <div className={frame}>
      <span className="min-w-0 flex-1">
        <span className="flex h-5 items-center">
          <Skeleton className="h-3.5 w-40 max-w-full" />
        </span>
        <span className="mt-0.5 flex h-5 items-center">
          <Skeleton className="h-3 w-64 max-w-full" />
        </span>
        <span className="mt-0.5 flex h-5 items-center lg:hidden">
          <Skeleton className="h-3 w-40 max-w-full" />
        </span>
      </span>
      <span className={cx(facts, "w-16")}>
        <Skeleton className="h-3 w-12" />
      </span>
      <span className={cx(facts, "w-10")}>
        <Skeleton className="h-3 w-8" />
      </span>
      <span className={cx(facts, "w-28 justify-end")}>
        <Skeleton className="h-3 w-20" />
      </span>
    </div>
  );
}
