import { useQuery, useQueryClient, type QueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import type { NewProject, ProjectChange, ProjectsQuery } from "../resources/projects.js";
import type { Project } from "../schema.js";
import { changeData, changeItems } from "./cache.js";
import { usePortico } from "./context.js";
import { keys, type Filters } from "./keys.js";
import { useChange } from "./use-change.js";
import { QUERY, useList, type ListResult, type QueryOptions } from "./use-list.js";

/** One's own projects, or all public ones. */
export function useProjects(
  filters: Filters<ProjectsQuery> = {},
  options: QueryOptions = {},
): ListResult<Project> {
  const { projects } = usePortico();
  return useList(
    keys.projects.list(filters),
    (cursor, call) => projects.list({ ...filters, cursor }, call),
    options,
  );
}

/** A project. While it is shown, changes of others to it and its members come by themselves: see `useLiveUpdates`. */
export function useProject(
  idOrSlug: string,
  { enabled = true, live = true }: QueryOptions & { live?: boolean | undefined } = {},
): UseQueryResult<Project> {
  const portico = usePortico();
  const client = useQueryClient();
  const query = useQuery({
    ...QUERY,
    queryKey: keys.projects.detail(idOrSlug),
    queryFn: ({ signal }) => portico.projects.get(idOrSlug, { signal }),
    enabled,
  });
  const id = live && enabled ? query.data?.id : undefined;
  useEffect(() => {
    if (id === undefined) {
      return undefined;
    }
    const read = () => {
      // What has changed between loading and joining was told to nobody.
      void client.invalidateQueries({ queryKey: keys.projects.detail(idOrSlug) });
      void client.invalidateQueries({ queryKey: keys.members.of(id) });
    };
    // Who may not join any more may not load it either, and hears so by that.
    portico.live.join(id).then(read, read);
    return () => {
      portico.live.leave(id);
    };
  }, [portico, client, id, idOrSlug]);
  return query;
}

/** Puts a project in place of what is known of it. */
export function replaceProject(client: QueryClient, project: Project): void {
  const replace = (known: Project) => (known.id === project.id ? project : known);
  changeData<Project>(client, keys.projects.details, replace);
  changeItems<Project>(client, keys.projects.lists, replace);
}

function editProject(client: QueryClient, id: string, edit: (project: Project) => Project): void {
  const replace = (known: Project) => (known.id === id ? edit(known) : known);
  changeData<Project>(client, keys.projects.details, replace);
  changeItems<Project>(client, keys.projects.lists, replace);
}

const everywhere = () => [keys.projects.lists, keys.projects.details];

export function useCreateProject() {
  return useChange({
    run: ({ projects }, project: NewProject) => projects.create(project),
    touches: () => [keys.projects.lists],
    learn: (client, project) => {
      client.setQueryData(keys.projects.detail(project.id), project);
      client.setQueryData(keys.projects.detail(project.slug), project);
    },
  });
}

export interface ProjectUpdate {
  id: string;
  changes: ProjectChange;
  /** The `etag` that was seen. */
  etag?: string | undefined;
}

/** Shown at once, and taken back if it fails. */
export function useUpdateProject() {
  return useChange({
    run: ({ projects }, { id, changes, etag }: ProjectUpdate) => projects.update(id, changes, { etag }),
    touches: everywhere,
    guess: (client, { id, changes }) => {
      editProject(client, id, (project) => ({
        ...project,
        name: changes.name ?? project.name,
        description: changes.description === undefined ? project.description : changes.description,
        visibility: changes.visibility ?? project.visibility,
      }));
    },
    learn: replaceProject,
  });
}

/** Shown at once, and taken back if it fails. */
export function useArchiveProject() {
  return useChange({
    run: ({ projects }, id: string) => projects.archive(id),
    touches: everywhere,
    guess: (client, id) => {
      const archivedAt = new Date().toISOString();
      editProject(client, id, (project) => ({ ...project, archivedAt: project.archivedAt ?? archivedAt }));
    },
    learn: replaceProject,
  });
}

/** Shown at once, and taken back if it fails. */
export function useUnarchiveProject() {
  return useChange({
    run: ({ projects }, id: string) => projects.unarchive(id),
    touches: everywhere,
    guess: (client, id) => {
      editProject(client, id, (project) => ({ ...project, archivedAt: null }));
    },
    learn: replaceProject,
  });
}

export function useDeleteProject() {
  return useChange({
    run: ({ projects }, { id, etag }: { id: string; etag?: string | undefined }) =>
      projects.remove(id, { etag }),
    touches: () => [keys.projects.lists],
    learn: (client, _nothing, { id }) => {
      forgetProject(client, id);
    },
  });
}

/** Takes a project out of all lists. What shows it loads it again, and hears that it is gone. */
export function forgetProject(client: QueryClient, id: string): void {
  changeItems<Project>(client, keys.projects.lists, (project) => (project.id === id ? null : project));
}

export function useTransferProject() {
  return useChange({
    run: ({ projects }, { id, userId }: { id: string; userId: string }) => projects.transfer(id, { userId }),
    touches: ({ id }) => [keys.projects.lists, keys.projects.details, keys.members.of(id)],
    learn: replaceProject,
  });
}
