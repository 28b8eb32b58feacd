import { useNavigate } from "@tanstack/react-router";
import { SelectField } from "@/ui/field";
import { SearchField } from "@/ui/search-field";
import { roleFrom, roleNames, roles } from "./roles";
import { defaultSort, isSort, sorts, type ProjectsSearch } from "./search";

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
          label="Search projects"
          value={search.q ?? ""}
          onSearch={(q) => {
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
