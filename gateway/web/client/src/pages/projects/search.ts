/** What the list of projects shows, as it stands in the address: a view of it can be kept and shared. */
import type { MemberRole } from "@portico/sdk";
import { roles } from "./roles";

export const sorts = {
  "-updatedAt": "Last changed",
  "-createdAt": "Newest",
  createdAt: "Oldest",
  name: "Name, A to Z",
  "-name": "Name, Z to A",
} as const;

export type Sort = keyof typeof sorts;

/** How the list is sorted when the address does not say. */
export const defaultSort: Sort = "-updatedAt";

export interface ProjectsSearch {
  q?: string | undefined;
  /** All public projects instead of one's own. */
  show?: "public" | undefined;
  role?: MemberRole | undefined;
  archived?: "true" | "any" | undefined;
  sort?: Sort | undefined;
  /** Opens the dialog for a new project. */
  new?: 1 | undefined;
}

/** Keeps what makes sense of an address that anybody may have typed. */
export function projectsSearch(search: Record<string, unknown>): ProjectsSearch {
  const { q, show, role, archived, sort } = search;
  return {
    q: typeof q === "string" || typeof q === "number" ? String(q) || undefined : undefined,
    show: show === "public" ? show : undefined,
    role: roles.find((one) => one === role),
    archived: archived === true || archived === "true" ? "true" : archived === "any" ? "any" : undefined,
    sort: sortOf(sort),
    new: search.new === undefined || search.new === 0 ? undefined : 1,
  };
}

function sortOf(value: unknown): Sort | undefined {
  return typeof value === "string" && isSort(value) && value !== defaultSort ? value : undefined;
}

export function isSort(value: string): value is Sort {
  return Object.hasOwn(sorts, value);
}
