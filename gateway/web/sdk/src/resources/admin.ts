import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import { defined, signalOf, type CallOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { AuditEntry, MailJob, operations } from "../schema.js";

export type AuditLogQuery = Loose<NonNullable<operations["listAuditEntries"]["parameters"]["query"]>>;
export type AuditLogExportQuery = Loose<NonNullable<operations["exportAuditEntries"]["parameters"]["query"]>>;
export type MailJobsQuery = Loose<NonNullable<operations["listMailJobs"]["parameters"]["query"]>>;

/** For those with the instance role ADMIN. */
export function adminOf({ signed }: Http) {
  const auditLog = (query: AuditLogQuery = {}, options: CallOptions = {}): Promise<Page<AuditEntry>> =>
    pageOf(signed.GET("/api/v1/audit-log", { params: { query: defined(query) }, ...signalOf(options) }));
  const mailJobs = (query: MailJobsQuery = {}, options: CallOptions = {}): Promise<Page<MailJob>> =>
    pageOf(
      signed.GET("/api/v1/admin/mail-jobs", { params: { query: defined(query) }, ...signalOf(options) }),
    );
  return {
    /** A page of who did what, the newest first. */
    auditLog,
    allAuditEntries: (query: AuditLogQuery = {}, options: CallOptions = {}) =>
      walk((next) => auditLog(next, options), query),
    /** The same as a file: NDJSON, an entry a line. */
    auditLogExport(query: AuditLogExportQuery = {}, options: CallOptions = {}): Promise<Blob> {
      return bodyOf(
        signed.GET("/api/v1/audit-log/export", {
          params: { query: defined(query) },
          parseAs: "blob",
          ...signalOf(options),
        }),
      );
    },
    /** A page of mails and what became of them, the newest first. */
    mailJobs,
    allMailJobs: (query: MailJobsQuery = {}, options: CallOptions = {}) =>
      walk((next) => mailJobs(next, options), query),
    /**
     * Sends a mail again that was given up.
     * @throws PorticoError `JOB_NOT_DEAD`
     */
    retryMailJob(id: string, options: CallOptions = {}): Promise<MailJob> {
      return dataOf(
        signed.POST("/api/v1/admin/mail-jobs/{id}/retry", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
  };
}
