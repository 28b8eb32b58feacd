import type { PageInfo } from "./schema.js";

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are, and `nextCursor`, which leads on; null at the end. */
  readonly pagination: PageInfo;
}

/** The greatest number of rows that the gateway gives at once. */
export const PAGE_LIMIT = 100;

/**
 * Everything in a list, one after the other, a page ahead at a time. The walk is by cursor: each row that is
 * there throughout comes exactly once, while others come and go.
 */
export async function* walk<T, Q extends { cursor?: string | undefined; limit?: number | undefined }>(
  list: (query: Q) => Promise<Page<T>>,
  query: Q,
): AsyncGenerator<T, void, undefined> {
  let next: Q | null = { limit: PAGE_LIMIT, ...query };
  while (next !== null) {
    const page: Page<T> = await list(next);
    yield* page.items;
    const cursor = page.pagination.nextCursor;
    next = cursor === null ? null : { ...next, cursor };
  }
}
