// What tabs of one browser share: one refresh at a time, and the word that somebody signed in or out.
import { isRecord } from "./errors.js";
import type { User } from "./schema.js";

/** An access token, and for how long it is good by this machine's clock, in milliseconds since 1970. */
export interface Grant {
  readonly token: string;
  /** From when on another should be asked for. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** What one tab tells the others. */
export type Word =
  | { readonly type: "signedIn"; readonly grant: Grant; readonly user: User }
  | { readonly type: "renewed"; readonly grant: Grant }
  | { readonly type: "signedOut" }
  | { readonly type: "wanted" };

export interface Tabs {
  tell: (word: Word) => void;
  /** What to do with the words of others; only the last one given counts. */
  listen: (heard: (word: Word) => void) => void;
  /** Does something while no other tab does; tells whether it had to wait for another. */
  alone: <T>(work: (waited: boolean) => Promise<T>) => Promise<T>;
  close: () => void;
}

/** A program that is alone: nobody to tell. */
export function noTabs(): Tabs {
  return {
    tell: () => undefined,
    listen: () => undefined,
    alone: (work) => work(false),
    close: () => undefined,
  };
}

/** The tabs of a browser that talk to the same gateway. */
export function tabsOf(baseUrl: string): Tabs {
  const name = `portico/1 ${baseUrl}`;
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name);
  const locks = typeof navigator !== "undefined" && "locks" in navigator ? navigator.locks : null;
  return {
    tell: (word) => channel?.postMessage(word),
    listen: (heard) => {
      if (channel !== null) {
        channel.onmessage = ({ data }: MessageEvent<unknown>) => {
          if (isWord(data)) {
            heard(data);
          }
        };
      }
    },
    alone: async (work) => {
      if (locks === null) {
        return work(false);
      }
      let waited = true;
      return locks.request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          return locks.request(name, () => work(waited));
        }
        waited = false;
        return work(waited);
      });
    },
    close: () => {
      channel?.close();
    },
  };
}

function isWord(data: unknown): data is Word {
  if (!isRecord(data)) {
    return false;
  }
  switch (data.type) {
    case "signedOut":
    case "wanted":
      return true;
    case "renewed":
      return isGrant(data.grant);
    case "signedIn":
      return isGrant(data.grant) && isRecord(data.user) && typeof data.user.id === "string";
    default:
      return false;
  }
}

function isGrant(value: unknown): value is Grant {
  return (
    isRecord(value) &&
    typeof value.token === "string" &&
    typeof value.renewAt === "number" &&
    typeof value.expiresAt === "number"
  );
}
