import { isPorticoError } from "@portico/sdk";
import { PlainFailure } from "@/lib/failures";

/** What there is to say about a passkey that was not used: browsers do not tell why, out of discretion. */
export function passkeyFailure(error: unknown): unknown {
  if (error instanceof DOMException) {
    return new PlainFailure(
      error.name === "InvalidStateError"
        ? "This device has a passkey for your account already."
        : "No passkey was used: it was cancelled, took too long, or this device has none. Try again, or go another way.",
    );
  }
  if (isPorticoError(error, "INVALID_CREDENTIALS") || isPorticoError(error, "VALIDATION_FAILED")) {
    return new PlainFailure(
      "This passkey does not fit. It may have been removed from the account. Go another way.",
    );
  }
  return error;
}
