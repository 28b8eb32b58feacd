import { useState } from "react";

/** What somebody types into a form over values that others may change in the meantime. */
interface Drafts<Field extends string> {
  /** What the form shows: what was typed, else what is. */
  values: Record<Field, string>;
  /** The fields that would be changed by saving. */
  edited: Field[];
  /** What others made of fields that are being edited. */
  newer: Partial<Record<Field, string>>;
  type: (field: Field, text: string) => void;
  discard: () => void;
}

export function useDrafts<Field extends string>(now: Record<Field, string>): Drafts<Field> {
  const [drafts, setDrafts] = useState<ReadonlyMap<Field, { text: string; base: string }>>(new Map());

  const values = { ...now };
  const edited: Field[] = [];
  const newer: Partial<Record<Field, string>> = {};
  for (const [field, { text, base }] of drafts) {
    values[field] = text;
    if (text !== now[field]) {
      edited.push(field);
      if (base !== now[field]) {
        newer[field] = now[field];
      }
    }
  }
  return {
    values,
    edited,
    newer,
    type(field, text) {
      const next = new Map(drafts);
      next.delete(field);
      // A field that says again what is there follows it again.
      if (text !== now[field]) {
        next.set(field, { text, base: drafts.get(field)?.base ?? now[field] });
      }
      setDrafts(next);
    },
    discard() {
      setDrafts(new Map());
    },
  };
}
