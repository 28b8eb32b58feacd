import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** A bordered area. Lists give it rows with `divide-y divide-line`. */
export function Card({ children, className }: { children: ReactNode; className?: string | undefined }) {
  return (
    <div className={cx("overflow-hidden rounded-lg border border-line bg-surface", className)}>
      {children}
    </div>
  );
}

/** A part of a page of settings: what it is about on top, what it holds, what can be done below. */
export function Section({
  title,
  description,
  children,
  footer,
  tone = "neutral",
}: {
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  tone?: "neutral" | "danger" | undefined;
}) {
  return (
    <section
      aria-label={title}
      className={cx(
        "overflow-hidden rounded-lg border bg-surface",
        tone === "danger" ? "border-danger" : "border-line",
      )}
    >
      <div className="flex flex-col gap-4 p-5">
        <div>
          <h2 className="text-base font-semibold">{title}</h2>
          {description !== undefined && <div className="mt-1 text-muted">{description}</div>}
        </div>
        {children}
      </div>
      {footer !== undefined && (
        <div className="flex flex-wrap items-center justify-between gap-3 border-t border-line bg-canvas px-5 py-3 text-[13px] text-muted">
          {footer}
        </div>
      )}
    </section>
  );
}
