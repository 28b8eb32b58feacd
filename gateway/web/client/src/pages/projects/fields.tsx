/** The fields that a new project and its settings have in common. */
import type { Project } from "@portico/sdk";
import type { ReactNode } from "react";
import { SelectField } from "@/ui/field";

/** Where the project will be found. */
export function AddressHint({ slug }: { slug: string }) {
  return (
    <span className="block truncate">
      {window.location.host}/projects/<span className="text-ink">{slug}</span>
    </span>
  );
}

/** What is typed as an address, with what people write of habit made right. */
export function asSlug(typed: string): string {
  return typed.toLowerCase().replaceAll(/[\s_]+/g, "-");
}

export type Visibility = NonNullable<Project["visibility"]>;

export const visibilityNames: Record<Visibility, string> = { PRIVATE: "Private", PUBLIC: "Public" };

const meanings: Record<Visibility, string> = {
  PRIVATE: "Only members see the project.",
  PUBLIC: "Everybody with an account sees the project, but not who is in it.",
};

/** What a value stands for; what nobody knows is the narrower one. */
export function visibilityFrom(value: string): Visibility {
  return value === "PUBLIC" ? "PUBLIC" : "PRIVATE";
}

export function VisibilityField({
  value,
  newer,
  onChange,
}: {
  value: Visibility;
  /** What to say about a change that somebody else made. */
  newer?: ReactNode;
  onChange: (value: Visibility) => void;
}) {
  return (
    <SelectField
      label="Visibility"
      name="visibility"
      value={value}
      hint={
        <>
          {meanings[value]}
          {newer}
        </>
      }
      onChange={({ target }) => {
        onChange(visibilityFrom(target.value));
      }}
    >
      <option value="PRIVATE">{visibilityNames.PRIVATE}</option>
      <option value="PUBLIC">{visibilityNames.PUBLIC}</option>
    </SelectField>
  );
}
