import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

const tones = {
  neutral: "bg-hover text-muted",
  accent: "bg-accent-soft text-accent-text",
  success: "bg-success-soft text-success-text",
  warning: "bg-warning-soft text-warning-text",
  danger: "bg-danger-soft text-danger-text",
};

/** A word about the state of what it stands beside. */
export function Badge({
  tone = "neutral",
  children,
}: {
  tone?: keyof typeof tones | undefined;
  children: ReactNode;
}) {
  return (
    <span
      className={cx(
        "inline-flex h-5 shrink-0 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap [&_svg]:size-3",
        tones[tone],
      )}
    >
      {children}
    </span>
  );
}
