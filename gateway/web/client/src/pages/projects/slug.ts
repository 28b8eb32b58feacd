const longest = 63;

/** The address that the server would make from a name, for people to see and change before. */
export function slugFrom(name: string): string {
  const slug = name
    .normalize("NFKD")
    .replaceAll(/\p{Mark}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, longest)
    .replace(/-$/, "");
  return slug === "" || slug.length >= 3 ? slug : `project-${slug}`;
}
