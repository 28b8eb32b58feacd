import type { Project } from "@portico/sdk";
import { keys } from "@portico/sdk/react";
import { useQueryClient } from "@tanstack/react-query";

const most = 5;

/** The projects whose pages were loaded last, the newest first: known from the cache, so they belong to one person. */
export function useRecentProjects(): Project[] {
  const queries = useQueryClient().getQueryCache().findAll({ queryKey: keys.projects.details });
  const projects = queries
    .toSorted((one, other) => other.state.dataUpdatedAt - one.state.dataUpdatedAt)
    .flatMap(({ state }) => (isProject(state.data) ? [state.data] : []));
  // One project may have been opened by its id and by its slug.
  return [...new Map(projects.map((project) => [project.id, project])).values()].slice(0, most);
}

function isProject(data: unknown): data is Project {
  return typeof data === "object" && data !== null && "slug" in data;
}
