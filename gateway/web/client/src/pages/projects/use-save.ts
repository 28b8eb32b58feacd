/** Saving changes of a project while others may change it too. */
import { isPorticoError, type Project, type ProjectChange } from "@portico/sdk";
import { useUpdateProject } from "@portico/sdk/react";
import { PlainFailure } from "@/lib/failures";
import { useShownProject } from "./project-context";

/** Somebody else changed the same fields, and has not been seen yet. The newer state is now shown. */
export class Overtaken extends PlainFailure {
  override name = "Overtaken";
  constructor() {
    super("Somebody else changed the same in the meantime. Look at what it is now, then save again.");
  }
}

/**
 * Saves changes of the project as it is shown, or throws `Overtaken` if the same fields are not what is shown
 * any more. What others did to other fields is no reason not to save.
 */
export function useSave(): (changes: ProjectChange) => Promise<Project> {
  const { project, reload } = useShownProject();
  const { mutateAsync: update } = useUpdateProject();

  return async (changes) => {
    let newest = project;
    for (;;) {
      try {
        return await update({ id: project.id, changes, etag: newest.etag });
      } catch (error) {
        if (!isPorticoError(error, "ETAG_MISMATCH")) {
          throw error;
        }
        newest = await reload();
        if (isOvertaken(changes, project, newest)) {
          throw new Overtaken();
        }
      }
    }
  };
}

function isOvertaken(changes: ProjectChange, shown: Project, newest: Project): boolean {
  const fields = ["name", "slug", "description", "visibility"] as const;
  return fields.some((field) => changes[field] !== undefined && shown[field] !== newest[field]);
}
