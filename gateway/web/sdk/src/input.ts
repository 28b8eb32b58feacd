// What callers give, brought into the form that the contract has.

/** A type whose optional keys may also be there with the value `undefined`, which says the same. */
export type Loose<T> = {
  [K in keyof T]: Partial<Pick<T, K>> extends Pick<T, K> ? T[K] | undefined : T[K];
};

/** Leaves out the keys that have no value. */
export function defined<T extends object>(values: Loose<T>): T;
export function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call early; it then fails with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What changes and deletions take. */
export interface ChangeOptions extends CallOptions {
  /** The `etag` that was seen: if the resource is another by now, the call fails with `ETAG_MISMATCH`. */
  etag?: string | undefined;
}

/** What creations take. */
export interface CreateOptions extends CallOptions {
  /**
   * Says that two calls are the same: the second gets the answer of the first (1 to 255 printable ASCII
   * characters, for 24 hours). Without one each call makes its own, and uses it for all its retries.
   */
  idempotencyKey?: string | undefined;
}

export function ifMatch({ etag }: ChangeOptions): { "If-Match"?: string } {
  return etag === undefined ? {} : { "If-Match": `"${etag}"` };
}

export function idempotent({ idempotencyKey }: CreateOptions): { "Idempotency-Key": string } {
  return { "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() };
}

/** A signal as `fetch` takes it. */
export function signalOf({ signal }: CallOptions): { signal: AbortSignal | null } {
  return { signal: signal ?? null };
}
