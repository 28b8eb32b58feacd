/** Whether Portico can be reached: as the browser says, and as requests end. */
import { isNetworkError } from "@portico/sdk";
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

interface Connection {
  isOffline: boolean;
  /** When something was last loaded, in milliseconds since 1970. */
  loadedAt: number | null;
}

const pauseBetweenAttempts = 5_000;

let connection: Connection = { isOffline: false, loadedAt: null };
const listeners = new Set<() => void>();

function change(changes: Partial<Connection>): void {
  const next = { ...connection, ...changes };
  if (next.isOffline !== connection.isOffline || next.loadedAt !== connection.loadedAt) {
    connection = next;
    listeners.forEach((listener) => {
      listener();
    });
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Is there a connection, and how old is what is shown without one? */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => connection);
}

export function isOffline(): boolean {
  return connection.isOffline;
}

/** Portico could not be reached; what is shown was loaded then, if that is known from an earlier time. */
export function lost(loadedAt?: number): void {
  change({ isOffline: true, ...(loadedAt !== undefined && { loadedAt }) });
}

/**
 * Follows how requests end, and tries again for as long as there is no connection. `onBack` is what to do when there
 * is one again; the connection counts as lost until it has succeeded.
 */
export function followConnection(queryClient: QueryClient, onBack: () => Promise<void>): void {
  queryClient.getQueryCache().subscribe((event) => {
    if (event.type !== "updated") {
      return;
    }
    const { action } = event;
    if (action.type === "error" && isNetworkError(action.error)) {
      lost();
    } else if (action.type === "success" && action.manual !== true) {
      change({ loadedAt: event.query.state.dataUpdatedAt });
    }
  });
  queryClient.getMutationCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "error" && isNetworkError(event.action.error)) {
      lost();
    }
  });
  window.addEventListener("offline", () => {
    lost();
  });
  window.addEventListener("online", () => void tryAgain());

  whenBack = onBack;
  window.setInterval(() => {
    if (connection.isOffline && document.visibilityState === "visible") {
      void tryAgain();
    }
  }, pauseBetweenAttempts);
}

let whenBack: () => Promise<void> = () => Promise.resolve();
let trying: Promise<void> | null = null;

/** Looks at once whether Portico can be reached again. */
export function tryAgain(): Promise<void> {
  trying ??= attempt().finally(() => {
    trying = null;
  });
  return trying;
}

async function attempt(): Promise<void> {
  if (!(await isReachable())) {
    return;
  }
  try {
    await whenBack();
    change({ isOffline: false });
  } catch (error) {
    if (!isNetworkError(error)) {
      throw error;
    }
  }
}

/** Something small that every gateway answers, whoever asks. */
async function isReachable(): Promise<boolean> {
  try {
    const response = await fetch("/api/openapi.json", { method: "HEAD", cache: "no-store" });
    return response.status < 500;
  } catch {
    return false;
  }
}
