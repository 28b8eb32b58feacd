import type { Project } from "@portico/sdk";
import type { ReactNode } from "react";
import { toast } from "sonner";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { TextArea, TextField } from "@/ui/field";
import { Form, SubmitButton } from "@/ui/form";
import { AddressHint, asSlug, visibilityFrom, visibilityNames, VisibilityField } from "./fields";
import { edits } from "./roles";
import { useDrafts } from "./use-drafts";
import { useSave } from "./use-save";

/** Name, address, description and visibility. Fields that nobody touched follow what others change. */
export function General({ project }: { project: Project }) {
  const save = useSave();
  const { values, edited, newer, type, discard } = useDrafts({
    name: project.name,
    slug: project.slug,
    description: project.description ?? "",
    visibility: project.visibility ?? "PRIVATE",
  });
  const isEdited = (field: (typeof edited)[number]) => edited.includes(field);

  const submit = async () => {
    const { name, slug, description } = values;
    await save({
      ...(isEdited("name") && { name: name.trim() }),
      ...(isEdited("slug") && { slug }),
      ...(isEdited("description") && { description: description.trim() || null }),
      ...(isEdited("visibility") && { visibility: visibilityFrom(values.visibility) }),
    });
    discard();
    toast.success("Saved");
  };
  return (
    <Form label="General" onSubmit={submit}>
      <fieldset disabled={!edits(project)} className="min-w-0">
        <Section
          title="General"
          footer={
            <>
              <span>{edited.length > 0 && "Not saved yet"}</span>
              <span className="flex gap-2">
                {edited.length > 0 && <Button onClick={discard}>Discard</Button>}
                <SubmitButton>Save</SubmitButton>
              </span>
            </>
          }
        >
          <TextField
            label="Name"
            name="name"
            value={values.name}
            maxLength={100}
            autoComplete="off"
            required
            hint={notice(newer.name)}
            onChange={({ target }) => {
              type("name", target.value);
            }}
          />
          <TextField
            label="Address"
            name="slug"
            value={values.slug}
            maxLength={63}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            required
            hint={
              <>
                <AddressHint slug={values.slug} />
                {isEdited("slug") && "Links to the old address will no longer work."}
                {notice(newer.slug)}
              </>
            }
            onChange={({ target }) => {
              type("slug", asSlug(target.value));
            }}
          />
          <TextArea
            label="Description"
            name="description"
            value={values.description}
            rows={4}
            maxLength={2000}
            hint={notice(newer.description)}
            onChange={({ target }) => {
              type("description", target.value);
            }}
          />
          <VisibilityField
            value={visibilityFrom(values.visibility)}
            newer={notice(newer.visibility && visibilityNames[visibilityFrom(newer.visibility)])}
            onChange={(visibility) => {
              type("visibility", visibility);
            }}
          />
        </Section>
      </fieldset>
    </Form>
  );
}

/** Says what somebody else made of a field that one is editing. */
function notice(newer: string | undefined): ReactNode {
  if (newer === undefined) {
    return undefined;
  }
  return (
    <span role="status" className="block text-warning-text">
      Somebody else changed this in the meantime{newer === "" ? ", and removed it" : ` to “${newer}”`}. Saving
      replaces it.
    </span>
  );
}
