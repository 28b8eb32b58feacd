import type { Scope as ScopeValue } from "@portico/sdk";

interface Scope {
  value: ScopeValue;
  name: string;
  explanation: string;
}

/** What a key can be good for, in words. It never may more than its owner. */
export const scopes: readonly Scope[] = [
  {
    value: "projects:read",
    name: "Read projects",
    explanation: "See projects, their members and invitations.",
  },
  {
    value: "projects:write",
    name: "Change projects",
    explanation: "Create, change, archive and delete projects; manage members and invitations.",
  },
  { value: "events:read", name: "Follow changes", explanation: "Hear of changes as they happen." },
  {
    value: "account:read",
    name: "Read your account",
    explanation: "See your profile, sessions, passkeys and keys.",
  },
  {
    value: "account:write",
    name: "Change your account",
    explanation: "End sessions, rename passkeys, revoke keys.",
  },
];

/** What helps administrators alone. */
export const administratorScopes: readonly Scope[] = [
  { value: "users:read", name: "Read users", explanation: "See every user, and who signed in." },
  {
    value: "users:write",
    name: "Change users",
    explanation: "Create, change, disable and delete users; end their sessions.",
  },
  {
    value: "admin",
    name: "Administer",
    explanation: "Read the audit log and the mail jobs. With “Change users”, give roles.",
  },
];

const names = new Map<string, string>(
  [...scopes, ...administratorScopes].map(({ value, name }) => [value, name] as const),
);

/** The name of a scope for people. */
export function nameOfScope(value: string): string {
  return names.get(value) ?? value;
}
