/**
 * Keeps what was loaded in this browser, so that it can be shown without a connection. It belongs to one person:
 * whoever signs in next gets nothing of it, and signing out removes it.
 */
import type { User } from "@portico/sdk";
import { keys as subjectKeys } from "@portico/sdk/react";
import {
  dehydrate,
  hydrate,
  type DehydratedState,
  type Query,
  type QueryClient,
} from "@tanstack/react-query";
import { createStore, del, get, keys, set } from "idb-keyval";

/** What is kept of one person. */
interface Kept {
  user: User;
  /** When something was last loaded, in milliseconds since 1970. */
  loadedAt: number;
  /** Which release of the client wrote it. */
  release: string;
  state: DehydratedState;
}

const aWeek = 7 * 24 * 60 * 60_000;
const pauseBetweenWrites = 1_000;

/** What another release wrote may have another shape. The name of this file has a hash, so each has its own. */
const release = import.meta.url;

let opened: ReturnType<typeof createStore> | null = null;
const store = () => (opened ??= createStore("portico", "kept"));

/** Without a place to keep things, as in some private windows, nothing is kept and nothing else changes. */
async function orNothing<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}

/** What is kept of somebody; too old or of another release, it is nothing. */
export async function keptOf(id: string): Promise<Kept | undefined> {
  const kept = await orNothing(() => get<Kept>(id, store()));
  return kept?.release === release && Date.now() - kept.loadedAt < aWeek ? kept : undefined;
}

/** What is kept of whoever used this browser last: there is never more than one person. */
export async function lastKept(): Promise<Kept | undefined> {
  const [id] = (await orNothing(() => keys<string>(store()))) ?? [];
  return id === undefined ? undefined : keptOf(id);
}

/** Puts what was kept into the cache, to be loaded again where it is shown. What is there already is newer. */
export function show(kept: Kept, queryClient: QueryClient): void {
  hydrate(queryClient, kept.state);
  // However fresh it was: nobody told this page what has changed since.
  void queryClient.invalidateQueries({ refetchType: "none" });
}

/** Removes all that was kept, or all but what is kept of one person. */
export async function forget({ but }: { but?: string } = {}): Promise<void> {
  const people = (await orNothing(() => keys<string>(store()))) ?? [];
  await Promise.all(people.filter((id) => id !== but).map((id) => orNothing(() => del(id, store()))));
}

/** Keeps what is loaded from now on as this person's, until what it returns is called. */
export function keepFor(user: User, queryClient: QueryClient): () => void {
  const since = Date.now();
  let timer: number | undefined;
  const write = () => {
    window.clearTimeout(timer);
    timer = undefined;
    const state = dehydrate(queryClient, {
      shouldDehydrateQuery: mayBeKept,
      shouldDehydrateMutation: () => false,
    });
    const loadedAt = Math.max(since, ...state.queries.map((query) => query.state.dataUpdatedAt));
    void orNothing(() => set(user.id, { user, loadedAt, release, state } satisfies Kept, store()));
  };
  const unsubscribe = queryClient.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "success") {
      timer ??= window.setTimeout(write, pauseBetweenWrites);
    }
  });
  const whenHidden = () => {
    if (timer !== undefined && document.visibilityState === "hidden") {
      write();
    }
  };
  document.addEventListener("visibilitychange", whenHidden);
  return () => {
    unsubscribe();
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", whenHidden);
  };
}

/**
 * What one shares and what one is are kept. Secrets never are: they come by mutations. Nor is what administrators
 * see of other people: it stays with the server.
 */
const subjects = [
  subjectKeys.me,
  subjectKeys.projects.all,
  subjectKeys.members.all,
  subjectKeys.projectInvitations.all,
  subjectKeys.invitations.all,
  subjectKeys.sessions,
];

function mayBeKept({ state, queryKey }: Query): boolean {
  return (
    state.status === "success" &&
    subjects.some((subject) => subject.every((part, index) => queryKey[index] === part))
  );
}
