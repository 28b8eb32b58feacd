/** Ties what is kept in this browser to who is signed in: whoever that is, and nobody else, sees it and adds to it. */
import { isNetworkError, isPorticoError, type User } from "@portico/sdk";
import { portico, queryClient } from "../portico";
import { followConnection, lost } from "./connection";
import { forget, keepFor, keptOf, lastKept, show } from "./keep";

interface Keeping {
  user: User;
  /** Done when what was kept before is in the cache. */
  shown: Promise<void>;
  stop: () => void;
}

let keeping: Keeping | null = null;

/** Follows who is signed in, and the connection, for as long as the page lives. `onBack` hears of a new connection. */
export function startKeeping(onBack: () => Promise<void>): void {
  const follow = () => {
    const { status, user } = portico.session.getState();
    if (status === "signedIn" && keeping?.user.id !== user.id) {
      keeping?.stop();
      keeping = begin(user);
    } else if (status === "signedOut") {
      keeping?.stop();
      keeping = null;
      void forget();
    }
  };
  portico.session.subscribe(follow);
  follow();
  followConnection(queryClient, async () => {
    await recognize();
    await onBack();
    await queryClient.invalidateQueries();
  });
}

/** Asks the gateway who it is, when it can be reached again: in the meantime somebody else may have signed in here. */
async function recognize(): Promise<void> {
  const { status, user } = portico.session.getState();
  if (status === "unknown") {
    await portico.auth.restore();
  } else if (status === "signedIn") {
    try {
      const { id } = await portico.auth.me();
      if (id !== user.id) {
        await forget();
        window.location.reload();
      }
    } catch (error) {
      // The session has ended meanwhile: the client has left already.
      if (!isPorticoError(error)) {
        throw error;
      }
    }
  }
}

function begin(user: User): Keeping {
  const open = async () => {
    await forget({ but: user.id });
    const kept = await keptOf(user.id);
    if (kept !== undefined && keeping?.user.id === user.id) {
      show(kept, queryClient);
    }
  };
  return { user, shown: open(), stop: keepFor(user, queryClient) };
}

/** Waits until what was kept for whoever is signed in can be shown, so that nothing is drawn twice. */
export async function keptIsShown(): Promise<void> {
  await keeping?.shown;
}

/**
 * Finds out who is signed in, at the beginning of a page's life. Without a connection nobody can tell: then it is
 * whoever was here last, and what is shown says of when it is.
 */
export async function restore(): Promise<void> {
  try {
    await portico.auth.restore();
  } catch (error) {
    if (!isNetworkError(error)) {
      throw error;
    }
    const kept = await lastKept();
    lost(kept?.loadedAt);
    if (kept !== undefined) {
      portico.auth.resume(kept.user);
    }
  }
}
