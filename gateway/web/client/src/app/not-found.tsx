import { usePageTitle } from "@/ui/page";
import { ButtonLink } from "@/ui/button";

/** There is no page at this address. */
export function NotFound() {
  usePageTitle("Page not found");
  return (
    <main className="mx-auto flex min-h-dvh max-w-sm flex-col items-center justify-center gap-3 px-4 text-center">
      <h1 className="text-xl font-semibold tracking-tight">Page not found</h1>
      <p className="text-muted">
        There is nothing at this address. It may have been moved or deleted, or the link is incomplete.
      </p>
      <div className="mt-2 flex gap-2">
        <ButtonLink to="/dashboard" variant="primary">
          Go to the dashboard
        </ButtonLink>
        <ButtonLink to="/projects">See your projects</ButtonLink>
      </div>
    </main>
  );
}
