import type { AuditLogQuery, MailJobsQuery } from "../resources/admin.js";
import type { AuditEntry, MailJob } from "../schema.js";
import { changeItems } from "./cache.js";
import { usePortico } from "./context.js";
import { keys, type Filters } from "./keys.js";
import { useChange } from "./use-change.js";
import { useList, type ListResult, type QueryOptions } from "./use-list.js";

/** Who did what, the newest first. ADMIN only. */
export function useAuditLog(
  filters: Filters<AuditLogQuery> = {},
  options: QueryOptions = {},
): ListResult<AuditEntry> {
  const { admin } = usePortico();
  return useList(
    keys.auditLog.list(filters),
    (cursor, call) => admin.auditLog({ ...filters, cursor }, call),
    options,
  );
}

/** Mails and what became of them, the newest first. ADMIN only. */
export function useMailJobs(
  filters: Filters<MailJobsQuery> = {},
  options: QueryOptions = {},
): ListResult<MailJob> {
  const { admin } = usePortico();
  return useList(
    keys.mailJobs.list(filters),
    (cursor, call) => admin.mailJobs({ ...filters, cursor }, call),
    options,
  );
}

/** Sends a mail again that was given up. */
export function useRetryMailJob() {
  return useChange({
    run: ({ admin }, id: string) => admin.retryMailJob(id),
    touches: () => [keys.mailJobs.all],
    learn: (client, retried) => {
      changeItems<MailJob>(client, keys.mailJobs.all, (job) => (job.id === retried.id ? retried : job));
    },
  });
}
