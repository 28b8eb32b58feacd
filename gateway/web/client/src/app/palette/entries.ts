import {
  FolderKanban,
  House,
  Inbox,
  KeyRound,
  LogOut,
  Mailbox,
  Monitor,
  Moon,
  Plus,
  ScrollText,
  Settings,
  ShieldCheck,
  Sun,
  Users,
  type LucideIcon,
} from "lucide-react";
import type { Theme } from "@/lib/theme";

/** Something that the palette can do. */
export interface Entry {
  name: string;
  /** Other words that people may look for it by. */
  words?: string;
  Icon: LucideIcon;
  keys?: readonly string[];
  run: () => void;
}

interface Means {
  isAdmin: boolean;
  go: (to: string) => void;
  chooseTheme: (theme: Theme) => void;
  signOut: () => void;
}

/** All pages and actions, by the heading under which they stand. */
export function entriesOf({ isAdmin, go, chooseTheme, signOut }: Means): Record<string, Entry[]> {
  const page = (name: string, to: string, Icon: LucideIcon, more: Partial<Entry> = {}): Entry => ({
    name,
    Icon,
    run: () => {
      go(to);
    },
    ...more,
  });
  const theme = (name: string, choice: Theme, Icon: LucideIcon): Entry => ({
    name,
    words: "theme appearance colour color mode",
    Icon,
    run: () => {
      chooseTheme(choice);
    },
  });
  return {
    Actions: [page("New project", "/projects?new=1", Plus, { words: "create add", keys: ["n"] })],
    "Go to": [
      page("Dashboard", "/dashboard", House, { words: "home start", keys: ["g", "d"] }),
      page("Projects", "/projects", FolderKanban, { keys: ["g", "p"] }),
      page("Invitations", "/invitations", Inbox, { words: "inbox", keys: ["g", "i"] }),
      page("Settings", "/settings", Settings, { words: "profile name avatar account", keys: ["g", "s"] }),
      page("Security", "/settings/security", ShieldCheck, {
        words: "settings password sessions two-factor authenticator passkeys email",
      }),
      page("API keys", "/settings/api-keys", KeyRound, { words: "settings tokens" }),
    ],
    ...(isAdmin && {
      Administration: [
        page("Users", "/admin/users", Users, { words: "admin people accounts" }),
        page("Audit log", "/admin/audit-log", ScrollText, { words: "admin history events" }),
        page("Mail jobs", "/admin/mail-jobs", Mailbox, { words: "admin mails failed" }),
      ],
    }),
    "This device": [
      theme("Light theme", "light", Sun),
      theme("Dark theme", "dark", Moon),
      theme("Theme of the system", "system", Monitor),
      { name: "Sign out", words: "log out logout", Icon: LogOut, run: signOut },
    ],
  };
}

/** Does every word that was typed begin a word of the entry? */
export function matches({ name, words = "" }: Pick<Entry, "name" | "words">, typed: string): boolean {
  const there = `${name} ${words}`.toLocaleLowerCase().split(/[\s-]+/);
  return typed
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => there.some((candidate) => candidate.startsWith(word)));
}
