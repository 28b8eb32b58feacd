import { useProjects } from "@portico/sdk/react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { FolderKanban, Plus, SearchX } from "lucide-react";
import { lazy, Suspense } from "react";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { LoadMore } from "@/ui/load-more";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, SkeletonRows } from "@/ui/states";
import { useArrivals } from "./changed";
import { ListFilters } from "./list-filters";
import { useLiveRows } from "./live-rows";
import { ProjectRow, ProjectRowSkeleton } from "./project-row";
import { defaultSort, type ProjectsSearch } from "./search";

const NewProject = lazy(() => import("./new-project"));

/** All projects that one shares, or that everybody may see. */
export function Projects() {
  const search = useSearch({ from: "/app/projects" });
  const navigate = useNavigate({ from: "/projects" });
  const showDialog = (open: boolean) =>
    navigate({
      search: (before) => ({ ...before, new: open ? 1 : undefined }),
      replace: true,
      resetScroll: false,
    });
  const create = () => void showDialog(true);
  return (
    <>
      <PageHeader
        title="Projects"
        actions={
          <Button variant="primary" onClick={create}>
            <Plus aria-hidden /> New project
          </Button>
        }
      />
      <ListFilters search={search} />
      <List search={search} onCreate={create} />
      {search.new !== undefined && (
        <Suspense>
          <NewProject
            onClose={() => showDialog(false)}
            onCreated={async (slug) => {
              // Going back from the project must not open the dialog again.
              await showDialog(false);
              await navigate({ to: "/projects/$slug", params: { slug } });
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function List({ search, onCreate }: { search: ProjectsSearch; onCreate: () => void }) {
  const navigate = useNavigate({ from: "/projects" });
  const { q, show, role, archived, sort = defaultSort } = search;
  const projects = useProjects({
    q,
    visibility: show === "public" ? "PUBLIC" : undefined,
    role,
    archived,
    sort,
  });
  const rows = projects.data?.items;
  const ids = rows?.map(({ id }) => id);
  const arrived = useArrivals(
    projects.isPlaceholderData ? undefined : ids,
    !projects.hasNextPage,
    [q, show, role, archived, sort].join("\n"),
  );
  useLiveRows(ids ?? []);

  if (rows === undefined) {
    return projects.isError ? (
      <Failed error={projects.error} onRetry={() => void projects.refetch()} />
    ) : (
      <Card className="divide-y divide-line">
        <SkeletonRows count={8}>
          <ProjectRowSkeleton />
        </SkeletonRows>
      </Card>
    );
  }
  if (rows.length === 0) {
    const isFiltered = q !== undefined || role !== undefined || archived !== undefined || show !== undefined;
    return isFiltered ? (
      <Empty
        Icon={SearchX}
        title="No project matches"
        action={
          <Button onClick={() => void navigate({ search: { sort: search.sort }, replace: true })}>
            Clear search and filters
          </Button>
        }
      >
        Try other words, or fewer filters.
      </Empty>
    ) : (
      <Empty
        Icon={FolderKanban}
        title="No projects yet"
        action={
          <Button variant="primary" onClick={onCreate}>
            <Plus aria-hidden /> New project
          </Button>
        }
      >
        Projects that you create or join will be here.
      </Empty>
    );
  }
  return (
    <>
      <Card>
        <ul
          aria-label="Projects"
          aria-busy={projects.isPlaceholderData}
          className="divide-y divide-line transition-opacity aria-busy:opacity-60"
        >
          {rows.map((project) => (
            <ProjectRow key={project.id} project={project} arrived={arrived.has(project.id)} />
          ))}
        </ul>
      </Card>
      {projects.hasNextPage && (
        <LoadMore
          onLoad={projects.fetchNextPage}
          pending={projects.isFetchingNextPage}
          failed={projects.isFetchNextPageError}
        />
      )}
    </>
  );
}
