import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

const tones = {
  info: { look: "bg-accent-soft text-accent-text", Icon: Info },
  success: { look: "bg-success-soft text-success-text", Icon: CircleCheck },
  warning: { look: "bg-warning-soft text-warning-text", Icon: TriangleAlert },
  danger: { look: "bg-danger-soft text-danger-text", Icon: CircleAlert },
};

/** Something to know before going on, in the place that it is about. */
export function Alert({
  tone = "info",
  children,
  action,
}: {
  tone?: keyof typeof tones | undefined;
  children: ReactNode;
  action?: ReactNode;
}) {
  const { look, Icon } = tones[tone];
  return (
    <div
      role={tone === "danger" ? "alert" : "status"}
      className={cx("flex flex-wrap items-start gap-2.5 rounded-md px-3 py-2.5", look)}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 basis-48 break-words">{children}</div>
      {action !== undefined && <div className="max-sm:ml-6.5">{action}</div>}
    </div>
  );
}
