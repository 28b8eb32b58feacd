import { isNetworkError } from "@portico/sdk";
import { CloudOff, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { messageOf } from "@/lib/messages";
import { Button } from "./button";

/** A place that will be filled, in the size of what will fill it. */
export function Skeleton({ className }: { className: string }) {
  return <span aria-hidden className={cx("block animate-pulse rounded bg-line", className)} />;
}

/** Rows that will be filled. Says once, to those who cannot see it, that something is loading. */
export function SkeletonRows({ count = 5, children }: { count?: number; children: ReactNode }) {
  return (
    <div role="status">
      <span className="sr-only">Loading</span>
      {Array.from({ length: count }, (_, row) => (
        <div key={row}>{children}</div>
      ))}
    </div>
  );
}

function State({
  Icon,
  title,
  children,
  action,
}: {
  Icon: LucideIcon;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-3 px-4 py-14 text-center">
      <span className="flex size-11 items-center justify-center rounded-xl border border-line bg-surface text-muted">
        <Icon aria-hidden className="size-5" />
      </span>
      <div>
        <p className="font-medium">{title}</p>
        <div className="mx-auto mt-1 max-w-sm text-muted">{children}</div>
      </div>
      {action}
    </div>
  );
}

/** There is nothing yet: what would be here, and how to make the first. */
export function Empty(props: { Icon: LucideIcon; title: string; children: ReactNode; action?: ReactNode }) {
  return <State {...props} />;
}

/** It could not be loaded: why, and the way to try again. */
export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div role="alert">
      <State
        Icon={CloudOff}
        title="This could not be loaded"
        action={<Button onClick={onRetry}>Try again</Button>}
      >
        {isNetworkError(error)
          ? "There is no connection to Portico, and it was not loaded here before. It appears as soon as you are back online."
          : messageOf(error)}
      </State>
    </div>
  );
}
