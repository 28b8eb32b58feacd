import type { Project } from "@portico/sdk";
import { createContext, use } from "react";

interface Shown {
  project: Project;
  /** Loads the project again, and returns it. */
  reload: () => Promise<Project>;
  /** Does what ends the project for oneself, then goes to the list of projects and says what was done. */
  depart: (action: () => Promise<unknown>, message: string) => Promise<void>;
}

export const ProjectContext = createContext<Shown | null>(null);

/** The project around this page. */
export function useShownProject(): Shown {
  const shown = use(ProjectContext);
  if (shown === null) {
    throw new Error("there is no project around this");
  }
  return shown;
}
