import { Link, Outlet } from "@tanstack/react-router";
import { Reauthentication } from "./reauthentication";

const tabs = [
  { to: "/settings", name: "Profile" },
  { to: "/settings/security", name: "Security" },
  { to: "/settings/api-keys", name: "API keys" },
] as const;

/** Around everything that concerns one's own account. */
export function Settings() {
  return (
    <div className="mx-auto max-w-2xl">
      <nav aria-label="Settings" className="-mx-4 mb-6 flex gap-1 border-b border-line px-4 md:mx-0 md:px-0">
        {tabs.map(({ to, name }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: true }}
            className="-mb-px flex h-10 items-center border-b-2 border-transparent px-3 text-muted transition-colors hover:text-ink aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-ink"
          >
            {name}
          </Link>
        ))}
      </nav>
      <Reauthentication>
        <Outlet />
      </Reauthentication>
    </div>
  );
}
