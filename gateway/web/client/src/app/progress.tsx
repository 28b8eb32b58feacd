import { useRouterState } from "@tanstack/react-router";

/** A line at the top of the window while a page takes long to come; one that comes at once shows none. */
export function Progress() {
  const isLoading = useRouterState({ select: (state) => state.isLoading });
  return isLoading ? (
    <div aria-hidden className="progress pointer-events-none fixed inset-x-0 top-0 z-50 h-0.5 bg-accent" />
  ) : null;
}
