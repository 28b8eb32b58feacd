import { linkOf, type Person } from "./fixtures.ts";

/** Follows the link that somebody got to verify their email. */
export async function proveEmail(
  person: Person,
  mail: (to: string, subject: string) => Promise<string>,
): Promise<void> {
  const link = new URL(linkOf(await mail(person.email, "onfirm your e-mail address")));
  await person.portico.auth.email.verify({ token: link.hash.replace("#token=", "") });
}
