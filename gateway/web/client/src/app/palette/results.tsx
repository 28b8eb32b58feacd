import { useAuth, useProjects, useUsers } from "@portico/sdk/react";
import { Command } from "cmdk";
import { FolderKanban } from "lucide-react";
import type { ReactNode } from "react";
import { useSettled } from "@/lib/use-settled";
import { useTheme } from "@/lib/theme";
import { Avatar } from "@/ui/avatar";
import { Keys } from "@/ui/keys";
import { entriesOf, matches } from "./entries";
import { useRecentProjects } from "./recent-projects";

interface ResultsProps {
  /** What was typed. */
  words: string;
  go: (to: string) => void;
  signOut: () => void;
}

/** What fits what was typed; before anything is typed, everything there is and the projects that were looked at last. */
export function Results({ words, go, signOut }: ResultsProps) {
  const { user } = useAuth();
  const [, chooseTheme] = useTheme();
  const isAdmin = user?.role === "ADMIN";
  const asked = useSettled(words);
  const isAsked = asked !== "";
  const recent = useRecentProjects();
  const projects = useProjects({ q: asked }, { enabled: isAsked });
  const people = useUsers({ q: asked }, { enabled: isAsked && isAdmin });
  const isSearching = asked !== words || projects.isLoading || people.isLoading;

  const entries = Object.entries(entriesOf({ isAdmin, go, chooseTheme, signOut }))
    .map(
      ([heading, all]) =>
        [heading, words === "" ? all : all.filter((entry) => matches(entry, words))] as const,
    )
    .filter(([, found]) => found.length > 0);
  const shownProjects = words === "" ? recent : isAsked ? (projects.data?.items ?? []).slice(0, 6) : [];
  const shownPeople = words !== "" && isAsked && isAdmin ? (people.data?.items ?? []).slice(0, 6) : [];

  return (
    <>
      {entries.length + shownProjects.length + shownPeople.length === 0 && (
        <Command.Item disabled value="nothing" className="px-3 py-8 text-center text-muted">
          {isSearching
            ? "Searching…"
            : projects.isError
              ? "The search did not reach Portico."
              : "Nothing was found."}
        </Command.Item>
      )}
      {entries.map(([heading, found]) => (
        <Group key={heading} heading={heading}>
          {found.map(({ name, Icon, keys, run }) => (
            <Item key={name} value={name} onSelect={run}>
              <Icon aria-hidden />
              <span className="min-w-0 flex-1 truncate">{name}</span>
              {keys !== undefined && (
                <span aria-hidden className="pointer-coarse:hidden">
                  <Keys keys={keys} />
                </span>
              )}
            </Item>
          ))}
        </Group>
      ))}
      {shownProjects.length > 0 && (
        <Group heading={words === "" ? "Recent projects" : "Projects"}>
          {shownProjects.map(({ id, name, slug }) => (
            <Item
              key={id}
              value={`project ${id}`}
              onSelect={() => {
                go(`/projects/${slug}`);
              }}
            >
              <FolderKanban aria-hidden />
              <span className="min-w-0 flex-1 truncate">{name}</span>
              <span className="max-w-40 truncate text-xs text-muted max-sm:hidden">{slug}</span>
            </Item>
          ))}
        </Group>
      )}
      {shownPeople.length > 0 && (
        <Group heading="Users">
          {shownPeople.map(({ id, name, email, avatar }) => (
            <Item
              key={id}
              value={`user ${id}`}
              onSelect={() => {
                go(`/admin/users?q=${encodeURIComponent(email)}`);
              }}
            >
              <Avatar name={name} src={avatar} size="sm" />
              <span className="min-w-0 flex-1 truncate">{name}</span>
              <span className="max-w-48 truncate text-xs text-muted">{email}</span>
            </Item>
          ))}
        </Group>
      )}
    </>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted"
    >
      {children}
    </Command.Group>
  );
}

function Item({ value, onSelect, children }: { value: string; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex h-9 cursor-default items-center gap-2.5 rounded-md px-2.5 select-none data-[selected=true]:bg-hover pointer-coarse:h-11 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-muted"
    >
      {children}
    </Command.Item>
  );
}
