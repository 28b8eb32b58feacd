import { useAuth, useLiveUpdates } from "@portico/sdk/react";
import { Outlet, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { Navigation, Tabs } from "./navigation";
import { PersonMenu } from "./person-menu";
import { Logo } from "./logo";

/** Around every page of somebody signed in: where one can go, and who one is. */
export function AppLayout() {
  useLiveUpdates();
  const { status } = useAuth();
  const router = useRouter();
  useEffect(() => {
    // The session was ended, here or elsewhere: the guard leads to the sign-in page, and back here afterwards.
    if (status === "signedOut") {
      void router.invalidate();
    }
  }, [router, status]);
  return (
    <div className="min-h-dvh md:pl-60">
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-raised px-3 py-2 shadow-raised focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>

      <aside className="fixed inset-y-0 left-0 z-30 hidden w-60 flex-col border-r border-line bg-canvas p-3 md:flex">
        <div className="px-2 pt-1 pb-5">
          <Logo />
        </div>
        <Navigation />
        <div className="mt-auto">
          <PersonMenu />
        </div>
      </aside>

      <header className="sticky top-0 z-30 flex h-14 items-center justify-between border-b border-line bg-canvas px-4 md:hidden">
        <Logo />
        <PersonMenu compact />
      </header>

      <main
        id="content"
        tabIndex={-1}
        className="mx-auto w-full max-w-5xl px-4 pt-6 pb-28 md:px-8 md:pt-10 md:pb-16"
      >
        <Outlet />
      </main>

      <Tabs />
    </div>
  );
}
