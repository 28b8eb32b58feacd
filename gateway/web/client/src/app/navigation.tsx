import { useAuth } from "@portico/sdk/react";
import { Link, useLocation, type LinkProps } from "@tanstack/react-router";
import {
  FolderKanban,
  House,
  Inbox,
  Mailbox,
  ScrollText,
  Settings,
  Users,
  type LucideIcon,
} from "lucide-react";

interface Place {
  to: NonNullable<LinkProps["to"]>;
  name: string;
  Icon: LucideIcon;
}

const places: Place[] = [
  { to: "/dashboard", name: "Dashboard", Icon: House },
  { to: "/projects", name: "Projects", Icon: FolderKanban },
  { to: "/invitations", name: "Invitations", Icon: Inbox },
  { to: "/settings", name: "Settings", Icon: Settings },
];

const administration: Place[] = [
  { to: "/admin/users", name: "Users", Icon: Users },
  { to: "/admin/audit-log", name: "Audit log", Icon: ScrollText },
  { to: "/admin/mail-jobs", name: "Mail jobs", Icon: Mailbox },
];

/** The places of the client, at the side of the window. */
export function Navigation() {
  const { user } = useAuth();
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5">
      {places.map((place) => (
        <SideLink key={place.name} {...place} />
      ))}
      {user?.role === "ADMIN" && (
        <>
          <p className="px-2 pt-5 pb-1.5 text-xs font-medium text-muted">Administration</p>
          {administration.map((place) => (
            <SideLink key={place.name} {...place} />
          ))}
        </>
      )}
    </nav>
  );
}

function SideLink({ to, name, Icon }: Place) {
  return (
    <Link
      to={to}
      className="flex h-9 items-center gap-2.5 rounded-md px-2 text-muted transition-colors hover:bg-hover hover:text-ink aria-[current]:bg-hover aria-[current]:font-medium aria-[current]:text-ink"
    >
      <Icon aria-hidden className="size-4" />
      {name}
    </Link>
  );
}

/** The same at the bottom of a phone. Administration is one tab, and opens its first page. */
export function Tabs() {
  const { user } = useAuth();
  const isAdministration = useLocation({ select: ({ pathname }) => pathname.startsWith("/admin/") });
  const tabs: Place[] =
    user?.role === "ADMIN" ? [...places, { to: "/admin/users", name: "Admin", Icon: Users }] : places;
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-canvas pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {tabs.map(({ to, name, Icon }) => (
        <Link
          key={name}
          to={to}
          className="flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-1 text-[11px] text-muted aria-[current]:font-medium aria-[current]:text-accent-text"
          {...(to.startsWith("/admin/") && isAdministration && { "aria-current": "page" })}
        >
          <Icon aria-hidden className="size-5" />
          {name}
        </Link>
      ))}
    </nav>
  );
}
