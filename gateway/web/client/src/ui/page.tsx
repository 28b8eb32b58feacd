import { useEffect, useRef, type ReactNode, type RefObject } from "react";

/** The name of the browser's tab. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Portico`;
  }, [title]);
}

/** Has a page been shown already? */
let hasArrived = false;

/** A heading that takes the focus when one arrives at its page, unless a field of the page has taken it. */
export function useHeading(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A page that was just opened begins at its beginning: with the link that skips to the content.
    if (hasArrived && !(document.activeElement instanceof HTMLInputElement)) {
      heading.current?.focus({ preventScroll: true });
    }
    hasArrived = true;
  }, []);
  return heading;
}

/** The top of a page: its one heading, and what can be done here. */
export function PageHeader({
  title,
  badge,
  description,
  actions,
}: {
  title: string;
  badge?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
}) {
  usePageTitle(title);
  const heading = useHeading();
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-48">
        <div className="flex min-w-0 flex-wrap items-center gap-2.5">
          <h1
            ref={heading}
            tabIndex={-1}
            className="min-w-0 text-xl font-semibold tracking-tight break-words"
          >
            {title}
          </h1>
          {badge}
        </div>
        {description !== undefined && <div className="mt-1 text-muted">{description}</div>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}
