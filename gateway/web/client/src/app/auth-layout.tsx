import { Outlet } from "@tanstack/react-router";
import { Logo } from "./logo";

/** Around the pages of those who are not signed in yet: one thing to do, in the middle. */
export function AuthLayout() {
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-start px-4 py-10 sm:justify-center">
      <div className="mb-8">
        <Logo />
      </div>
      <Outlet />
    </main>
  );
}
