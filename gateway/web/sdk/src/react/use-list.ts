import {
  useInfiniteQuery,
  useQuery,
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import type { CallOptions } from "../input.js";
import type { Page } from "../pages.js";
import type { Pages } from "./cache.js";

/** A list that grows by `fetchNextPage()` while `hasNextPage`. */
export interface ListData<T> {
  /** All that was loaded so far. */
  readonly items: readonly T[];
  readonly pages: readonly Page<T>[];
  /** How many there are in all. For lists with filters, 10,000 may mean more: `totalCapped`. */
  readonly total: number;
  readonly totalCapped: boolean;
}

export interface QueryOptions {
  /** Whether to load it at all. */
  enabled?: boolean | undefined;
}

export type ListResult<T> = UseInfiniteQueryResult<ListData<T>>;

const BEGINNING: string | null = null;

/** What all hooks say: the client itself tries again, and what was loaded is shown without a connection. */
export const QUERY = { retry: false, networkMode: "offlineFirst" } as const;

/**
 * Loads a list piece by piece. With other filters, the last part of the key, the items before are shown until
 * the new ones are there.
 */
export function useList<T>(
  queryKey: QueryKey,
  load: (cursor: string | undefined, options: CallOptions) => Promise<Page<T>>,
  { enabled = true }: QueryOptions,
): ListResult<T> {
  return useInfiniteQuery({
    ...QUERY,
    queryKey,
    queryFn: ({ pageParam, signal }) => load(pageParam ?? undefined, { signal }),
    initialPageParam: BEGINNING,
    getNextPageParam: (page) => page.pagination.nextCursor,
    select: listOf<T>,
    enabled,
    placeholderData: (before: Pages<T> | undefined, query) =>
      query !== undefined && isSameList(query.queryKey, queryKey) ? before : undefined,
  });
}

/** Loads a list that is never long, as a whole. */
export function useWhole<T>(
  queryKey: QueryKey,
  load: (options: CallOptions) => AsyncIterable<T>,
  { enabled = true }: QueryOptions,
): UseQueryResult<readonly T[]> {
  return useQuery({
    ...QUERY,
    queryKey,
    queryFn: ({ signal }) => collect(load({ signal })),
    enabled,
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) {
    collected.push(item);
  }
  return collected;
}

function listOf<T>({ pages }: InfiniteData<Page<T>, string | null>): ListData<T> {
  const last = pages.at(-1)?.pagination;
  return {
    items: pages.flatMap(({ items }) => items),
    pages,
    total: last?.total ?? 0,
    totalCapped: last?.totalCapped ?? false,
  };
}

function isSameList(one: QueryKey, other: QueryKey): boolean {
  return one.length === other.length && one.slice(0, -1).every((part, index) => part === other[index]);
}
