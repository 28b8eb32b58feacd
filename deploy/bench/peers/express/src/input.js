// What callers may send, and how they are told that it is something else.
import { z } from "zod";

const Id = z.uuid();

export const Credentials = z.strictObject({
  email: z.email().max(254),
  password: z.string().min(1).max(128),
});

export const NewProject = z.strictObject({
  name: z.string().min(1).max(100),
  description: z.string().max(2000).nullish(),
  visibility: z.enum(["PRIVATE", "PUBLIC"]).optional(),
});

export const Changes = NewProject.partial();

export const Page = z.strictObject({
  page_size: z.coerce.number().int().min(1).max(100).default(20),
  cursor: Id.optional(),
});

/** A failure that the caller is told of. */
export class Failure extends Error {
  constructor(status, code, details = null) {
    super(code);
    this.status = status;
    this.details = details;
  }
}

/** What a schema makes of input. */
export function parse(schema, input) {
  const { success, data, error } = schema.safeParse(input);
  if (!success) throw new Failure(400, "VALIDATION_FAILED", error.issues);
  return data;
}

/** The id in a project's path: what is no id is not there. */
export function projectId(request) {
  const { success, data } = Id.safeParse(request.params.id);
  if (!success) throw new Failure(404, "PROJECT_NOT_FOUND");
  return data;
}
