import type { AuditEntry } from "@portico/sdk";
import { useUser } from "@portico/sdk/react";

/** What people are called, by their ids. */
export type Names = ReadonlyMap<string, string>;

/** The names that a list of entries knows by itself. */
export function namesIn(entries: readonly AuditEntry[]): Names {
  return new Map(
    entries.flatMap(({ actor }) =>
      actor?.id != null && actor.name !== null ? [[actor.id, actor.name] as const] : [],
    ),
  );
}

/** The name of a person, asked for where it is not known; of one who was removed nothing but the id is left. */
export function PersonName({ id, names }: { id: string; names: Names }) {
  const known = names.get(id);
  return known ?? <AskedName id={id} />;
}

function AskedName({ id }: { id: string }) {
  const person = useUser(id);
  return person.data?.name ?? (person.isPending ? "…" : `a removed person (${shortId(id)})`);
}

/** Enough of an id to tell it from others at a glance: its end, as ids of the same time begin alike. */
export function shortId(id: string): string {
  return `…${id.slice(-6)}`;
}
