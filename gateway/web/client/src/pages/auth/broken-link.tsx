import type { ReactNode } from "react";
import { Alert } from "@/ui/alert";
import { PageHeader } from "@/ui/page";

/** A link from a mail that does nothing (any more), and the way to a new one. */
export function BrokenLink({
  title,
  incomplete,
  children,
}: {
  title: string;
  incomplete: boolean;
  children: ReactNode;
}) {
  return (
    <>
      <PageHeader title={title} />
      <Alert tone="danger">
        {incomplete
          ? "This link is incomplete. Open it from the mail again, or copy all of it."
          : "This link has expired, was used already, or was replaced by a newer one."}
      </Alert>
      <div className="mt-4 flex flex-col gap-2">{children}</div>
    </>
  );
}
