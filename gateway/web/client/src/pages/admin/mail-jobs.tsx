import type { MailJob } from "@portico/sdk";
import { useMailJobs, useRetryMailJob } from "@portico/sdk/react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MailCheck, RotateCw } from "lucide-react";
import { toast } from "sonner";
import { useAction } from "@/lib/use-action";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { SelectField } from "@/ui/field";
import { LoadMore } from "@/ui/load-more";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";
import { jobStatuses, oneOf } from "./search";
import { inWords } from "./sentence";

const statuses = {
  QUEUED: { tone: "neutral", name: "Queued" },
  RUNNING: { tone: "accent", name: "Being sent" },
  SENT: { tone: "success", name: "Sent" },
  FAILED: { tone: "warning", name: "Will be tried again" },
  DEAD: { tone: "danger", name: "Given up" },
} as const;

/** The mails that Portico sends, and those that it could not. */
export function MailJobs() {
  const search = useSearch({ from: "/app/admin/mail-jobs" });
  const navigate = useNavigate({ from: "/admin/mail-jobs" });
  const jobs = useMailJobs(search);
  const found = jobs.data?.items ?? [];
  return (
    <>
      <PageHeader
        title="Mail jobs"
        description="A mail is tried eight times, and given up at once where its address is refused for good."
      />
      <search className="mb-4 flex max-w-56">
        <div className="flex-1">
          <SelectField
            label="Status"
            hideLabel
            value={search.status ?? ""}
            onChange={(event) => {
              const status = oneOf(jobStatuses, event.target.value);
              void navigate({ search: { status }, replace: true, resetScroll: false });
            }}
          >
            <option value="">Every status</option>
            {jobStatuses.map((status) => (
              <option key={status} value={status}>
                {statuses[status].name}
              </option>
            ))}
          </SelectField>
        </div>
      </search>
      {jobs.isPending ? (
        <Card>
          <SkeletonRows count={8}>
            <div className="flex h-16 flex-col justify-center gap-1.5 border-b border-line px-4">
              <Skeleton className="h-3.5 w-40" />
              <Skeleton className="h-3 w-56" />
            </div>
          </SkeletonRows>
        </Card>
      ) : jobs.data === undefined ? (
        <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />
      ) : found.length === 0 ? (
        <Empty Icon={MailCheck} title="No mails">
          {search.status === undefined
            ? "No mail was sent in the last 30 days."
            : "There is no mail with this status."}
        </Empty>
      ) : (
        <>
          <Card>
            <ul aria-label="Mail jobs" className="divide-y divide-line">
              {found.map((job) => (
                <JobRow key={job.id} job={job} />
              ))}
            </ul>
          </Card>
          {jobs.hasNextPage && (
            <LoadMore
              onLoad={jobs.fetchNextPage}
              pending={jobs.isFetchingNextPage}
              failed={jobs.isFetchNextPageError}
            />
          )}
        </>
      )}
    </>
  );
}

function JobRow({ job }: { job: MailJob }) {
  const retrying = useRetryMailJob();
  const retry = useAction(async () => {
    await retrying.mutateAsync(job.id);
    toast.success(`The mail to ${job.to} is tried again.`);
  });
  const status = statuses[job.status ?? "QUEUED"];
  return (
    <li className="flex flex-col gap-x-4 gap-y-2 px-4 py-3 md:flex-row md:items-center">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium first-letter:uppercase">{inWords(job.template)}</span>
          <span className="min-w-0 truncate text-muted">to {job.to}</span>
        </p>
        {job.lastError !== null && (
          <p className="mt-0.5 text-[13px] break-words text-danger-text">{job.lastError}</p>
        )}
        <p className="mt-0.5 text-[13px] text-muted">
          Queued <Time at={job.createdAt} /> · {attemptsOf(job.attempts)}
          {job.nextAttemptAt !== null && job.status === "FAILED" && (
            <>
              {" "}
              · next attempt <Time at={job.nextAttemptAt} />
            </>
          )}
        </p>
      </div>
      <div className="flex shrink-0 items-center justify-between gap-3">
        <Badge tone={status.tone}>{status.name}</Badge>
        {job.status === "DEAD" && (
          <Button
            size="sm"
            pending={retry.pending}
            onClick={retry.run}
            aria-label={`Retry the mail to ${job.to}`}
          >
            <RotateCw aria-hidden /> Retry
          </Button>
        )}
      </div>
    </li>
  );
}

function attemptsOf(attempts: number): string {
  return attempts === 1 ? "1 attempt" : `${attempts} attempts`;
}
