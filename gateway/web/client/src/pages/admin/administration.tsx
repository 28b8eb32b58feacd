import { useAuth } from "@portico/sdk/react";
import { Link, Outlet } from "@tanstack/react-router";
import { ShieldAlert } from "lucide-react";
import { ButtonLink } from "@/ui/button";
import { PageHeader } from "@/ui/page";
import { Empty } from "@/ui/states";

const pages = [
  { to: "/admin/users", name: "Users" },
  { to: "/admin/audit-log", name: "Audit log" },
  { to: "/admin/mail-jobs", name: "Mail jobs" },
] as const;

/** Around the pages of administration, which are for administrators alone. */
export function Administration() {
  const { user } = useAuth();
  if (user?.role !== "ADMIN") {
    return <OnlyForAdministrators />;
  }
  return (
    <>
      <nav aria-label="Administration" className="-mx-4 -mt-6 mb-6 flex border-b border-line px-2 md:hidden">
        {pages.map(({ to, name }) => (
          <Link
            key={to}
            to={to}
            className="flex h-11 items-center border-b-2 border-transparent px-3 text-muted aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-ink"
          >
            {name}
          </Link>
        ))}
      </nav>
      <Outlet />
    </>
  );
}

function OnlyForAdministrators() {
  return (
    <>
      <PageHeader title="Administration" />
      <Empty
        Icon={ShieldAlert}
        title="This page is for administrators"
        action={<ButtonLink to="/dashboard">Go to the dashboard</ButtonLink>}
      >
        Your account is not one of theirs. If you need something that is done here, ask an administrator.
      </Empty>
    </>
  );
}
