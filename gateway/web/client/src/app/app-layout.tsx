import { useLiveUpdates } from "@portico/sdk/react";
import { Outlet } from "@tanstack/react-router";
import { LiveMark } from "./live-mark";
import { Logo } from "./logo";
import { Navigation, Tabs } from "./navigation";
import { OfflineMark } from "./offline/offline-mark";
import { Commands } from "./palette/commands";
import { PersonMenu } from "./person-menu";
import { Progress } from "./progress";
import { SearchButton } from "./search-button";

/** Around every page of somebody signed in: where one can go, and who one is. */
export function AppLayout() {
  useLiveUpdates();
  return (
    <Commands>
      <Progress />
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-raised px-3 py-2 shadow-raised focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>

      <aside className="fixed inset-y-0 left-0 z-30 hidden w-60 flex-col border-r border-line bg-canvas p-3 md:flex">
        <div className="px-2 pt-1 pb-4">
          <Logo />
        </div>
        <SearchButton />
        <Navigation />
        <div className="mt-auto flex flex-col gap-2 pt-2">
          <div className="px-2">
            <LiveMark />
          </div>
          <PersonMenu />
        </div>
      </aside>

      <header className="sticky top-0 z-30 flex h-14 items-center justify-between border-b border-line bg-canvas px-4 md:hidden">
        <Logo />
        <div className="flex items-center gap-1">
          <LiveMark />
          <SearchButton compact />
          <PersonMenu compact />
        </div>
      </header>

      <div className="min-h-dvh md:pl-60">
        <main
          id="content"
          tabIndex={-1}
          className="mx-auto w-full max-w-5xl px-4 pt-6 pb-28 md:px-8 md:pt-10 md:pb-16"
        >
          <Outlet />
        </main>
      </div>

      <OfflineMark />
      <Tabs />
    </Commands>
  );
}
