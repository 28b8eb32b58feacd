import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { SelectField, TextField } from "@/ui/field";
import { roleFrom, roleNames, roles } from "./roles";
import { defaultSort, isSort, sorts, type ProjectsSearch } from "./search";

/** How long to wait for the next letter, in milliseconds. */
const pause = 250;

/** What the list shows, and in which order. All of it stands in the address. */
export function ListFilters({ search }: { search: ProjectsSearch }) {
  const navigate = useNavigate({ from: "/projects" });
  const change = (changes: ProjectsSearch) => {
    void navigate({
      search: (before) => ({ ...before, ...changes }),
      replace: true,
      resetScroll: false,
    });
  };
  return (
    <div role="search" aria-label="Projects" className="mb-4 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap">
      <div className="col-span-2 min-w-0 sm:min-w-56 sm:flex-1">
        <SearchField
          value={search.q ?? ""}
          onChange={(q) => {
            change({ q: q || undefined });
          }}
        />
      </div>
      <SelectField
        label="Show"
        hideLabel
        value={search.show ?? "mine"}
        onChange={({ target }) => {
          change({ show: target.value === "public" ? "public" : undefined });
        }}
      >
        <option value="mine">My projects</option>
        <option value="public">Public projects</option>
      </SelectField>
      <SelectField
        label="My role"
        hideLabel
        value={search.role ?? ""}
        onChange={({ target }) => {
          change({ role: roleFrom(target.value) });
        }}
      >
        <option value="">Any role</option>
        {roles.map((role) => (
          <option key={role} value={role}>
            {roleNames[role]}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="Archived"
        hideLabel
        value={search.archived ?? "false"}
        onChange={({ target: { value } }) => {
          change({ archived: value === "true" || value === "any" ? value : undefined });
        }}
      >
        <option value="false">Active</option>
        <option value="true">Archived</option>
        <option value="any">All</option>
      </SelectField>
      <SelectField
        label="Sort by"
        hideLabel
        value={search.sort ?? defaultSort}
        onChange={({ target: { value } }) => {
          change({ sort: isSort(value) && value !== defaultSort ? value : undefined });
        }}
      >
        {Object.entries(sorts).map(([sort, name]) => (
          <option key={sort} value={sort}>
            {name}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

/** Passes on what is typed once nobody types any more, and follows the address where that changes. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  const [passedOn, setPassedOn] = useState(value);
  if (value !== seen) {
    setSeen(value);
    // What comes back of what was passed on must not undo what was typed since.
    if (value !== passedOn) {
      setPassedOn(value);
      setTyped(value);
    }
  }
  const passOn = useEffectEvent(() => {
    setPassedOn(typed.trim());
    onChange(typed.trim());
  });
  useEffect(() => {
    if (typed.trim() === passedOn) {
      return;
    }
    const timer = setTimeout(passOn, pause);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, passedOn]);
  return (
    <div className="relative">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted"
      />
      <TextField
        label="Search projects"
        hideLabel
        type="search"
        placeholder="Search by name, address or description"
        autoComplete="off"
        value={typed}
        className="pl-9"
        onChange={({ target }) => {
          setTyped(target.value);
        }}
      />
    </div>
  );
}
