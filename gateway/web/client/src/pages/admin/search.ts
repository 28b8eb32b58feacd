/** What the addresses of these pages say about what they show. Whatever makes no sense there is left out. */

const roles = ["ADMIN", "MEMBER"] as const;
const userStatuses = ["ACTIVE", "DISABLED", "DELETED"] as const;
const userSorts = ["-createdAt", "createdAt", "name", "-name", "email", "-email", "-updatedAt"] as const;
const jobStatuses = ["QUEUED", "RUNNING", "SENT", "FAILED", "DEAD"] as const;

type Raw = Record<string, unknown>;

export interface UsersSearch {
  q?: string | undefined;
  role?: (typeof roles)[number] | undefined;
  status?: (typeof userStatuses)[number] | undefined;
  sort?: (typeof userSorts)[number] | undefined;
}

export interface AuditSearch {
  actor?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  /** Days, both included, in the time zone of whoever looks: 2026-11-26. */
  since?: string | undefined;
  until?: string | undefined;
}

export interface MailJobsSearch {
  status?: (typeof jobStatuses)[number] | undefined;
}

export function usersSearch(search: Raw): UsersSearch {
  return {
    q: words(search.q),
    role: oneOf(roles, search.role),
    status: oneOf(userStatuses, search.status),
    sort: oneOf(userSorts, search.sort),
  };
}

export function auditSearch(search: Raw): AuditSearch {
  return {
    actor: words(search.actor),
    action: words(search.action),
    target: words(search.target),
    since: day(search.since),
    until: day(search.until),
  };
}

export function mailJobsSearch(search: Raw): MailJobsSearch {
  return { status: oneOf(jobStatuses, search.status) };
}

/** The option that was chosen, or nothing. */
export function oneOf<Option extends string>(options: readonly Option[], value: unknown): Option | undefined {
  return options.find((option) => option === value);
}

export { jobStatuses, roles, userSorts, userStatuses };

/** The address of a page may hold a number where somebody searched for one. */
function words(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text.trim() !== "" ? text.trim().slice(0, 100) : undefined;
}

function day(value: unknown): string | undefined {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : undefined;
}
