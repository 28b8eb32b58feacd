import { NetworkError, PorticoError } from "@portico/sdk";
import { PlainFailure } from "./failures";

/**
 * What people read when an action failed. The server's own messages are for people too and are used where
 * nothing here says it better: with what to do next, in the words of this client.
 */
const messages: Record<string, string> = {
  ACCOUNT_DISABLED: "This account is disabled. Ask an administrator to enable it again.",
  ALREADY_INVITED: "This person has already been invited.",
  ALREADY_MEMBER: "This person is already a member.",
  DEADLINE_EXCEEDED: "That took too long. Try again.",
  EMAIL_EXISTS: "There is already an account with this email. Sign in instead.",
  EMAIL_NOT_VERIFIED: "Verify your email first: follow the link in the mail we sent you.",
  ETAG_MISMATCH: "Somebody else changed this in the meantime. Look at the new state, then try again.",
  FORBIDDEN: "You are not allowed to do this.",
  INTERNAL_ERROR: "Something went wrong on our side. Try again in a moment.",
  INVALID_CREDENTIALS: "Email or password is wrong.",
  LAST_ADMIN: "This is the last administrator. Make somebody else an administrator first.",
  LAST_OWNER: "A project needs an owner. Make somebody else an owner first.",
  LINK_INVALID: "This link was used already, has expired, or is incomplete. Ask for a new one.",
  MFA_CODE_INVALID: "That code is wrong or was used already. Try the next one.",
  MFA_TOKEN_INVALID: "That took too long or was tried too often. Sign in again.",
  PROJECT_ARCHIVED: "This project is archived. Unarchive it to change it.",
  PROJECT_NOT_FOUND: "This project does not exist, or you have no access to it.",
  REAUTHENTICATION_REQUIRED: "Confirm that it is you first.",
  SERVICE_UNAVAILABLE: "Portico is not available right now. Try again in a moment.",
  SLUG_EXISTS: "Another project already has this address.",
};

/** One sentence for people about any failure. */
export function messageOf(error: unknown): string {
  if (error instanceof NetworkError) {
    return navigator.onLine
      ? "Portico could not be reached. Check your connection, then try again."
      : "You are offline. Nothing was sent; try again when you are back online.";
  }
  if (error instanceof PorticoError) {
    if (error.code === "RATE_LIMITED" || error.code === "TOO_MANY_ATTEMPTS") {
      return `Too many attempts. Try again ${inAWhile(error.retryAfter)}.`;
    }
    return messages[error.code] ?? error.message;
  }
  if (error instanceof PlainFailure) {
    return error.message;
  }
  return "Something went wrong in this page. Load it again, then try once more.";
}

function inAWhile(seconds: number | null): string {
  if (seconds === null) {
    return "in a moment";
  }
  if (seconds < 90) {
    return `in ${Math.max(1, Math.ceil(seconds))} s`;
  }
  return `in ${Math.ceil(seconds / 60)} minutes`;
}

const details: Record<string, string> = {
  REQUIRED: "This is needed.",
  EMAIL_INVALID: "This is not an email address.",
  PASSWORD_TOO_SHORT: "Use at least 8 characters.",
  PASSWORD_TOO_LONG: "Use at most 128 characters.",
  PASSWORD_BREACHED: "This password is in lists of stolen passwords. Choose another one.",
  PASSWORD_INCORRECT: "That is not your current password.",
  CODE_INCORRECT: "That code is wrong or was used already. Try the next one.",
  SLUG_INVALID: "Use 3 to 63 small letters, digits and single hyphens.",
  URL_INVALID: "Use an address that begins with https://.",
};

/** What to say at each field that the server refused, by the field's name. */
export function fieldMessagesOf(error: unknown): Record<string, string> {
  if (!(error instanceof PorticoError)) {
    return {};
  }
  return Object.fromEntries(
    error.fields.map(({ field, code, message }) => [field, details[code] ?? message]),
  );
}
