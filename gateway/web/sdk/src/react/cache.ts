// Changes to what is in the cache, without saying that it is fresher than it is.
import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import type { Page } from "../pages.js";

/** A list as the cache has it: the pages that were loaded. */
export type Pages<T> = InfiniteData<Page<T>, string | null>;

/** Changes all that is cached under a key. */
export function changeData<D>(
  client: QueryClient,
  queryKey: QueryKey,
  change: (data: D, queryKey: QueryKey) => D,
): void {
  for (const query of client.getQueryCache().findAll({ queryKey })) {
    const { dataUpdatedAt, isInvalidated } = query.state;
    client.setQueryData<D>(
      query.queryKey,
      (data) => (data === undefined ? data : change(data, query.queryKey)),
      {
        updatedAt: dataUpdatedAt,
      },
    );
    if (isInvalidated) {
      query.invalidate();
    }
  }
}

/** Changes the items of all lists under a key; null takes an item out. */
export function changeItems<T>(
  client: QueryClient,
  queryKey: QueryKey,
  change: (item: T, queryKey: QueryKey) => T | null,
): void {
  changeData<Pages<T>>(client, queryKey, (list, key) => {
    const seen = { changed: false, removed: 0 };
    const pages = list.pages.map((page) => {
      const items = page.items.flatMap((item) => {
        const next = change(item, key);
        seen.changed ||= next !== item;
        seen.removed += next === null ? 1 : 0;
        return next === null ? [] : [next];
      });
      return { ...page, items };
    });
    if (!seen.changed) {
      return list;
    }
    return {
      ...list,
      pages: pages.map(({ items, pagination }) => ({
        items,
        pagination: { ...pagination, total: pagination.total - seen.removed },
      })),
    };
  });
}

/** Changes the items of a list that was loaded as a whole; null takes an item out. */
export function changeArray<T>(client: QueryClient, queryKey: QueryKey, change: (item: T) => T | null): void {
  changeData<readonly T[]>(client, queryKey, (items) =>
    items.flatMap((item) => {
      const next = change(item);
      return next === null ? [] : [next];
    }),
  );
}

/**
 * Changes the cache before it is known whether the gateway agrees.
 * @returns what takes it back
 */
export async function optimistically(
  client: QueryClient,
  queryKeys: readonly QueryKey[],
  change: () => void,
): Promise<() => void> {
  // What is on its way was asked for before the change, and would undo it.
  await Promise.all(
    queryKeys.map((queryKey) =>
      client.cancelQueries({ queryKey, predicate: ({ state }) => state.data !== undefined }),
    ),
  );
  const before = queryKeys.flatMap((queryKey) => client.getQueriesData({ queryKey }));
  change();
  return () => {
    for (const [queryKey, data] of before) {
      client.setQueryData(queryKey, data);
    }
  };
}
