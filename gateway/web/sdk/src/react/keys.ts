import type { AuditLogQuery, MailJobsQuery } from "../resources/admin.js";
import type { InvitationsQuery } from "../resources/invitations.js";
import type { MembersQuery } from "../resources/members.js";
import type { ProjectInvitationsQuery } from "../resources/project-invitations.js";
import type { ProjectsQuery } from "../resources/projects.js";
import type { UsersQuery } from "../resources/users.js";

/** Filters of a list that is loaded piece by piece: where the pieces begin is not theirs to say. */
export type Filters<Q> = Omit<Q, "page" | "cursor">;

const all = ["portico"] as const;
const projects = [...all, "projects"] as const;
const members = [...all, "members"] as const;
const projectInvitations = [...all, "project-invitations"] as const;
const invitations = [...all, "invitations"] as const;
const users = [...all, "users"] as const;
const auditLog = [...all, "audit-log"] as const;
const mailJobs = [...all, "mail-jobs"] as const;

/** The keys of all that the hooks keep in the cache, each beginning with those that stand for more. */
export const keys = {
  all,
  me: [...all, "me"] as const,
  sessions: [...all, "sessions"] as const,
  factors: [...all, "factors"] as const,
  passkeys: [...all, "passkeys"] as const,
  apiKeys: [...all, "api-keys"] as const,
  projects: {
    all: projects,
    lists: [...projects, "list"] as const,
    list: (filters: Filters<ProjectsQuery>) => [...projects, "list", filters] as const,
    details: [...projects, "detail"] as const,
    detail: (idOrSlug: string) => [...projects, "detail", idOrSlug] as const,
  },
  members: {
    all: members,
    of: (projectId: string) => [...members, projectId] as const,
    list: (projectId: string, filters: Filters<MembersQuery>) => [...members, projectId, filters] as const,
  },
  projectInvitations: {
    all: projectInvitations,
    of: (projectId: string) => [...projectInvitations, projectId] as const,
    list: (projectId: string, filters: Filters<ProjectInvitationsQuery>) =>
      [...projectInvitations, projectId, filters] as const,
  },
  invitations: {
    all: invitations,
    list: (filters: Filters<InvitationsQuery>) => [...invitations, filters] as const,
  },
  users: {
    all: users,
    lists: [...users, "list"] as const,
    list: (filters: Filters<UsersQuery>) => [...users, "list", filters] as const,
    details: [...users, "detail"] as const,
    detail: (id: string) => [...users, "detail", id] as const,
    signIns: (id: string) => [...users, "sign-ins", id, {}] as const,
  },
  auditLog: {
    all: auditLog,
    list: (filters: Filters<AuditLogQuery>) => [...auditLog, filters] as const,
  },
  mailJobs: {
    all: mailJobs,
    list: (filters: Filters<MailJobsQuery>) => [...mailJobs, filters] as const,
  },
};
