// When a call is made again, and after how long: only where doing it twice is the same as doing it once.
import { NetworkError, retryAfterOf } from "./errors.js";

export interface RetryPolicy {
  /** How often a call is made again. */
  retries: number;
  /** The longest wait before the first time, in milliseconds; it doubles with each. */
  base: number;
  /** The longest `Retry-After` that is waited for, in seconds; longer ones are the caller's to decide. */
  patience: number;
}

export const RETRY_POLICY: RetryPolicy = { retries: 3, base: 200, patience: 30 };

const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const PASSING = new Set([429, 502, 503, 504]);

/** Whether a request may be made twice. */
export function isRepeatable(request: Request): boolean {
  return REPEATABLE.has(request.method) || request.headers.has("idempotency-key");
}

/**
 * Makes a call, and again after failures that may pass.
 * @throws NetworkError if there was no answer to the last of the calls
 * @throws the signal's reason as soon as it is aborted, also while waiting
 */
export async function withRetries(
  call: () => Promise<Response>,
  signal: AbortSignal,
  policy: RetryPolicy = RETRY_POLICY,
): Promise<Response> {
  for (let retry = 0; ; retry += 1) {
    const jitter = Math.random() * policy.base * 2 ** retry;
    try {
      const response = await call();
      const asked = retryAfterOf(response) ?? 0;
      if (!PASSING.has(response.status) || retry === policy.retries || asked > policy.patience) {
        return response;
      }
      await pause(Math.max(jitter, asked * 1000 + jitter / 2), signal);
    } catch (error) {
      if (!(error instanceof NetworkError) || retry === policy.retries || isOffline()) {
        throw error;
      }
      await pause(jitter, signal);
    }
  }
}

/** Whether the browser is sure that there is no network. */
function isOffline(): boolean {
  return typeof navigator !== "undefined" && "onLine" in navigator && !navigator.onLine;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    if (signal.aborted) {
      aborted();
    } else {
      signal.addEventListener("abort", aborted, { once: true });
    }
  });
}

/** The promise's outcome, or the signal's reason if that comes first. What was promised goes on for others. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const settled = new AbortController();
  const abortion = new Promise<never>((_, reject) => {
    const aborted = () => {
      reject(reasonOf(signal));
    };
    signal.addEventListener("abort", aborted, { once: true, signal: settled.signal });
  });
  try {
    return await Promise.race([promise, abortion]);
  } finally {
    settled.abort();
  }
}

/** Why a signal was aborted: whatever its owner gave, as an error. */
function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new DOMException("The call was aborted.", "AbortError");
}
