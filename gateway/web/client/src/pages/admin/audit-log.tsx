import { useAuditLog, usePortico } from "@portico/sdk/react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, ScrollText } from "lucide-react";
import { useCallback } from "react";
import { download } from "@/lib/download";
import { useAction } from "@/lib/use-action";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { LoadMore } from "@/ui/load-more";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { AuditFilters } from "./audit-filters";
import { AuditRow } from "./audit-row";
import { namesIn } from "./person-name";
import { beginOf, endOf } from "./days";
import type { AuditSearch } from "./search";

/** Who did what to what, newest first. */
export function AuditLog() {
  const search = useSearch({ from: "/app/admin/audit-log" });
  const navigate = useNavigate({ from: "/admin/audit-log" });
  const filters = filtersOf(search);
  const log = useAuditLog(filters);
  const { admin } = usePortico();
  const exporting = useAction(async () => {
    const day = new Date().toISOString().slice(0, 10);
    const entries = await admin.auditLogExport(filters);
    download(`audit-log-${day}.ndjson`, "application/x-ndjson", await entries.text());
  });
  const found = log.data?.items ?? [];
  const names = namesIn(found);
  const change = useCallback(
    (changes: AuditSearch) =>
      void navigate({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false }),
    [navigate],
  );
  return (
    <>
      <PageHeader
        title="Audit log"
        description="Every change, by whom and from where. It is kept for ever."
        actions={
          <Button pending={exporting.pending} onClick={exporting.run}>
            <Download aria-hidden /> Export
          </Button>
        }
      />
      <AuditFilters search={search} names={names} onChange={change} />
      {log.isPending ? (
        <Card>
          <SkeletonRows count={10}>
            <div className="flex h-15 items-center gap-3 border-b border-line px-4">
              <div className="flex flex-1 flex-col gap-1.5">
                <Skeleton className="h-3.5 w-3/5" />
                <Skeleton className="h-3 w-32" />
              </div>
            </div>
          </SkeletonRows>
        </Card>
      ) : log.data === undefined ? (
        <Failed error={log.error} onRetry={() => void log.refetch()} />
      ) : found.length === 0 ? (
        <Empty
          Icon={ScrollText}
          title="Nothing was found"
          action={
            <Button
              onClick={() => {
                void navigate({ search: {}, replace: true });
              }}
            >
              Show everything
            </Button>
          }
        >
          Nothing happened of which all of this is true.
        </Empty>
      ) : (
        <>
          <Card>
            <ul aria-label="Audit log" className="divide-y divide-line">
              {found.map((entry) => (
                <AuditRow key={entry.id} entry={entry} names={names} onChange={change} />
              ))}
            </ul>
          </Card>
          {log.hasNextPage && (
            <LoadMore
              onLoad={log.fetchNextPage}
              pending={log.isFetchingNextPage}
              failed={log.isFetchNextPageError}
            />
          )}
        </>
      )}
    </>
  );
}

function filtersOf({ actor, action, target, since, until }: AuditSearch) {
  return {
    actor,
    action,
    target,
    since: since === undefined ? undefined : beginOf(since),
    until: until === undefined ? undefined : endOf(until),
  };
}
