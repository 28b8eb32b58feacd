import type { ErrorDetail } from "./schema.js";

/** The codes of the contract. A newer gateway may know more, so that any text is a code. */
export type ErrorCode = KnownErrorCode | (string & {});

export type KnownErrorCode =
  // The request is not as it must be.
  | "VALIDATION_FAILED"
  | "MALFORMED_REQUEST"
  | "LINK_INVALID"
  | "METHOD_NOT_ALLOWED"
  | "NOT_ACCEPTABLE"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "IDEMPOTENCY_KEY_REUSED"
  | "IDEMPOTENCY_KEY_IN_USE"
  // Who calls is not proven.
  | "UNAUTHENTICATED"
  | "TOKEN_EXPIRED"
  | "TOKEN_REVOKED"
  | "INVALID_CREDENTIALS"
  | "MFA_CODE_INVALID"
  | "MFA_TOKEN_INVALID"
  | "REFRESH_TOKEN_INVALID"
  | "REFRESH_TOKEN_REUSED"
  // Whoever calls may not do this.
  | "FORBIDDEN"
  | "SCOPE_MISSING"
  | "ORIGIN_NOT_ALLOWED"
  | "EMAIL_NOT_VERIFIED"
  | "ACCOUNT_DISABLED"
  | "REAUTHENTICATION_REQUIRED"
  // It is not there, or not to be seen.
  | "ROUTE_NOT_FOUND"
  | "USER_NOT_FOUND"
  | "PROJECT_NOT_FOUND"
  | "MEMBER_NOT_FOUND"
  | "INVITATION_NOT_FOUND"
  | "SESSION_NOT_FOUND"
  | "API_KEY_NOT_FOUND"
  | "PASSKEY_NOT_FOUND"
  | "JOB_NOT_FOUND"
  | "SERVICE_ACCOUNT_NOT_FOUND"
  // Something stands against it now.
  | "EMAIL_EXISTS"
  | "SLUG_EXISTS"
  | "ALREADY_MEMBER"
  | "ALREADY_INVITED"
  | "LAST_OWNER"
  | "LAST_ADMIN"
  | "INHERITS_PROJECTS"
  | "PROJECT_ARCHIVED"
  | "INVITATION_NOT_PENDING"
  | "MFA_ALREADY_ENABLED"
  | "MFA_NOT_ENABLED"
  | "PASSKEYS_UNAVAILABLE"
  | "PASSKEY_LIMIT_REACHED"
  | "TOO_MANY_API_KEYS"
  | "LINK_NOT_NEEDED"
  | "JOB_NOT_DEAD"
  | "ETAG_MISMATCH"
  // Later, perhaps.
  | "RATE_LIMITED"
  | "TOO_MANY_ATTEMPTS"
  | "INTERNAL_ERROR"
  | "SERVICE_UNAVAILABLE"
  | "DEADLINE_EXCEEDED";

/** What else is known of a failure: the fields that were refused, or an object that belongs to the code. */
export type ErrorDetails = readonly ErrorDetail[] | Readonly<Record<string, unknown>> | null;

/** An answer that says no. */
export class PorticoError extends Error {
  override readonly name = "PorticoError";
  /** What went wrong; stable, for programs. `message` is for people. */
  readonly code: ErrorCode;
  /** The status of the answer over HTTP; 0 if it came over a socket. */
  readonly status: number;
  readonly details: ErrorDetails;
  /** The id to look for in the logs of the gateway. */
  readonly requestId: string | null;
  /** After how many seconds it makes sense to try again, where the gateway says so. */
  readonly retryAfter: number | null;

  constructor(failure: {
    code: ErrorCode;
    message: string;
    status: number;
    details?: ErrorDetails;
    requestId?: string | null;
    retryAfter?: number | null;
  }) {
    super(failure.message);
    this.code = failure.code;
    this.status = failure.status;
    this.details = failure.details ?? null;
    this.requestId = failure.requestId ?? null;
    this.retryAfter = failure.retryAfter ?? null;
  }

  /** The fields that were refused; empty unless the code is `VALIDATION_FAILED`. */
  get fields(): readonly ErrorDetail[] {
    return Array.isArray(this.details) ? this.details.filter(isErrorDetail) : [];
  }
}

/** No answer: there is no connection, or it broke. `cause` is what the runtime said. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  constructor(cause: unknown) {
    super("Portico could not be reached.", { cause });
  }
}

/** Whether this is a refusal by the gateway, with that code if one is given. */
export function isPorticoError(error: unknown, code?: ErrorCode): error is PorticoError {
  return error instanceof PorticoError && (code === undefined || error.code === code);
}

/** Whether this is a failure to reach the gateway. */
export function isNetworkError(error: unknown): error is NetworkError {
  return error instanceof NetworkError;
}

/** The error that an answer stands for. It need not be the gateway's: proxies answer too. */
export function errorOf(response: Response, body: unknown): PorticoError {
  const error = isRecord(body) && isRecord(body.error) ? body.error : {};
  const meta = isRecord(body) && isRecord(body.meta) ? body.meta : {};
  return new PorticoError({
    code: typeof error.code === "string" ? error.code : codeOfStatus(response.status),
    message: typeof error.message === "string" ? error.message : `The gateway answered ${response.status}.`,
    status: response.status,
    details: Array.isArray(error.details)
      ? error.details.filter(isErrorDetail)
      : isRecord(error.details)
        ? error.details
        : null,
    requestId: typeof meta.requestId === "string" ? meta.requestId : response.headers.get("x-request-id"),
    retryAfter: retryAfterOf(response),
  });
}

/** How many seconds an answer asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). */
export function retryAfterOf(response: Response): number | null {
  const text = response.headers.get("retry-after");
  if (text === null) {
    return null;
  }
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isErrorDetail(value: unknown): value is ErrorDetail {
  return (
    isRecord(value) &&
    typeof value.field === "string" &&
    typeof value.code === "string" &&
    typeof value.message === "string"
  );
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "FORBIDDEN";
    case 413:
      return "PAYLOAD_TOO_LARGE";
    case 429:
      return "RATE_LIMITED";
    case 502:
    case 503:
      return "SERVICE_UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return "INTERNAL_ERROR";
  }
}
