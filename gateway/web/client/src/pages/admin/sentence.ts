/** Says in words what an entry of the audit log tells. */
import type { AuditEntry } from "@portico/sdk";

/** A part of a sentence: words, a person to be named, or a thing that has nothing but an id. */
export type Part = string | { person: string } | { thing: string; id: string };

type Details = Record<string, unknown>;

const roles: Record<string, string> = {
  OWNER: "owner",
  ADMIN: "administrator",
  MEMBER: "member",
  VIEWER: "viewer",
};

const methods: Record<string, string> = {
  PASSWORD: "a password",
  PASSWORD_AND_TOTP: "a password and a code",
  PASSWORD_AND_RECOVERY_CODE: "a password and a recovery code",
  PASSWORD_AND_PASSKEY: "a password and a passkey",
  PASSKEY: "a passkey",
};

/** Why sessions end by themselves. */
const endings: Record<string, string> = {
  PASSWORD_CHANGED: ", as the password changed",
  EMAIL_CHANGE_UNDONE: ", as a change of the email was undone",
  TOKEN_REUSED: ", as its token was used twice",
  ACCOUNT_CLOSED: ", as the account was closed",
  FACTORS_RESET: ", as two-factor sign-in was reset",
};

/** By what a sign-in was done, in words. */
export function methodInWords(method: string): string {
  return methods[method] ?? inWords(method);
}

/** What comes after the one who did it. */
const predicates: Record<string, (about: About) => Part[]> = {
  "user.created": ({ target, byOneself }) =>
    byOneself ? ["created their account"] : ["created the account of", target],
  "user.imported": ({ target }) => ["imported the account of", target],
  "user.updated": userUpdated,
  "user.deleted": ({ target, byOneself }) =>
    byOneself ? ["deleted their account"] : ["deleted the account of", target],
  "account.deleted": ({ target, byOneself }) =>
    byOneself ? ["deleted their account"] : ["deleted the account of", target],
  "user.restored": ({ target }) => ["restored the account of", target],
  "user.purge_announced": ({ target }) => ["will soon remove all data of", target],
  "user.purged": ({ target }) => ["removed all data of", target],
  "account.exported": ({ target, byOneself }) =>
    byOneself ? ["exported their data"] : ["exported the data of", target],
  "account.sessions_ended": ({ target, byOneself }) =>
    byOneself ? ["ended all their sessions"] : ["ended all sessions of", target],

  "session.created": ({ details }) => {
    const method = word(details, "method");
    return [
      `signed in${method === null ? "" : ` with ${methodInWords(method)}`}`,
      details.device === "UNKNOWN" ? "from a new device" : "",
    ];
  },
  "session.revoked": ({ details, person, isActor }) => {
    const reason = word(details, "reason") ?? "";
    if (reason === "SIGNED_OUT") {
      return ["signed out"];
    }
    const whose = isActor(person)
      ? ["ended one of their sessions"]
      : ["ended a session of", person ?? "somebody"];
    return [...whose, endings[reason] ?? ""];
  },
  "device.added": () => ["signed in from a new device"],
  "sign_in.failed": ({ target, byOneself, details }) => [
    byOneself ? "could not sign in" : "refused a sign-in to the account of",
    byOneself ? "" : target,
    details.throttled === undefined ? "" : "and has to wait before the next attempt",
  ],
  "reauthentication.failed": () => ["could not confirm that it is them"],
  "network.throttled": () => ["slowed down an address after too many failed sign-ins"],

  "password.changed": ({ details }) => [
    details.by === "link" ? "set a new password by a link in a mail" : "changed their password",
  ],
  "password.reset_requested": ({ target, byOneself }) =>
    byOneself ? ["asked for a new password"] : ["sent a link for a new password to", target],
  "email.verification_requested": ({ target, byOneself }) =>
    byOneself ? ["asked for a link to verify the email"] : ["sent a link to verify the email of", target],
  "email.change_requested": () => ["asked to change their email"],
  "email.change_undone": () => ["undid a change of their email"],
  "email.taken": ({ target }) => ["refused to use the email of", target, "for another account"],

  "totp.enabled": () => ["set up an authenticator app"],
  "totp.disabled": () => ["removed their authenticator app"],
  "recovery_codes.renewed": () => ["made new recovery codes"],
  "recovery_code.used": () => ["used a recovery code"],
  "mfa.reset": ({ target }) => ["reset two-factor sign-in of", target],
  "passkey.added": () => ["added a passkey"],
  "passkey.renamed": () => ["renamed a passkey"],
  "passkey.removed": () => ["removed a passkey"],
  "api_key.created": ({ details }) => [
    details.serviceAccountId === undefined ? "created an API key" : "created a key of a service account",
  ],
  "api_key.revoked": ({ details }) => [
    details.serviceAccountId === undefined ? "revoked an API key" : "revoked a key of a service account",
  ],
  "service_account.created": ({ target }) => ["created the", target],
  "service_account.deleted": ({ target }) => ["deleted the", target],
  "impersonation.started": ({ target }) => ["began to act as", target],
  "impersonation.ended": ({ target }) => ["ceased to act as", target],

  "project.created": ({ target }) => ["created the", target],
  "project.updated": projectUpdated,
  "project.deleted": ({ target }) => ["deleted the", target],
  "member.added": ({ target, person, details, isActor }) =>
    isActor(person)
      ? ["joined the", target, `as ${roleIn(details)}`]
      : ["added", person ?? "somebody", "to the", target, `as ${roleIn(details)}`],
  "member.updated": ({ target, person, details }) => [
    "made",
    person ?? "somebody",
    `${roleIn(details)} of the`,
    target,
  ],
  "member.removed": ({ target, person, isActor }) =>
    isActor(person) ? ["left the", target] : ["removed", person ?? "somebody", "from the", target],
  "invitation.created": ({ details }) => [`invited somebody as ${roleIn(details)}`],
  "invitation.updated": ({ details }) => {
    const status = changed(details, "status");
    return [`${status === null ? "changed" : inWords(status)} an invitation`];
  },
  "invitation.resent": () => ["sent an invitation again"],
};

/** What a predicate is made of. */
interface About {
  details: Details;
  target: Part;
  /** The person that the details name. */
  person: { person: string } | null;
  /** Was it done by the one that it was done to? */
  byOneself: boolean;
  isActor: (person: { person: string } | null) => boolean;
}

/** The sentence without the one who did it, with whom it stands before. */
export function predicateOf(entry: AuditEntry): Part[] {
  const details: Details = entry.details ?? {};
  const target = entry.target;
  const userId = word(details, "userId");
  const actorId = entry.actor?.id ?? null;
  const about: About = {
    details,
    target:
      target === null
        ? ""
        : target.type === "user"
          ? { person: target.id }
          : { thing: inWords(target.type), id: target.id },
    person: userId === null ? null : { person: userId },
    byOneself: target?.type === "user" && target.id === actorId,
    isActor: (person) => person?.person === actorId,
  };
  const predicate = predicates[entry.action];
  const parts = predicate ? predicate(about) : [inWords(entry.action), about.target];
  return parts.filter((part) => part !== "");
}

function userUpdated({ target, byOneself, details }: About): Part[] {
  const role = changed(details, "role");
  const status = changed(details, "status");
  if (role !== null) {
    return ["made", target, `${role === "ADMIN" ? "an" : "a"} ${roles[role] ?? inWords(role)}`];
  }
  if (status === "DISABLED" || status === "ACTIVE") {
    return [status === "DISABLED" ? "disabled the account of" : "enabled the account of", target];
  }
  const fields = fieldsOf(details);
  if (fields === "email verified") {
    return byOneself ? ["verified their email"] : ["marked the email as verified of", target];
  }
  return byOneself ? [`changed their ${fields}`] : [`changed the ${fields} of`, target];
}

function projectUpdated({ target, details }: About): Part[] {
  const fields = fieldsOf(details);
  if (fields === "archived at") {
    return [changed(details, "archivedAt") === null ? "archived or unarchived the" : "archived the", target];
  }
  return [`changed the ${fields} of the`, target];
}

/** The names of the fields that changed, in words. */
function fieldsOf(details: Details): string {
  const changes = details.changes;
  const names = isObject(changes) ? Object.keys(changes).map(inWords) : [];
  return names.length === 0 ? "details" : new Intl.ListFormat("en").format(names);
}

/** The value that a field has now, if the entry says so. */
function changed(details: Details, field: string): string | null {
  const change = isObject(details.changes) ? details.changes[field] : null;
  return isObject(change) ? word(change, "to") : null;
}

function roleIn(details: Details): string {
  const role = word(details, "role");
  return role === null ? "member" : (roles[role] ?? inWords(role));
}

function word(details: Details, name: string): string | null {
  const value = details[name];
  return typeof value === "string" ? value : null;
}

function isObject(value: unknown): value is Details {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `emailVerified`, `api_key.created` or `SIGNED_OUT` as words. */
export function inWords(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/[._-]/g, " ")
    .toLowerCase()
    .replace(/\bapi\b/g, "API");
}
