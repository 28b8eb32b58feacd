import type { TestProject } from "vitest/node";
import { startProgram } from "./program.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the program of all tests is. */
    url: string;
  }
}

export default async function setup(project: TestProject) {
  const program = await startProgram();
  project.provide("url", program.url);
  return program.stop;
}
