import { useSyncExternalStore } from "react";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const date = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago something was, or how far ahead it is: roughly, and by its date beyond a week. */
function inWords(at: number, now: number): string {
  const distance = at - now;
  const size = Math.abs(distance);
  if (size < minute) {
    // Clocks differ a little: what was just done must not seem to lie ahead.
    return distance > 10_000 ? "in a moment" : "just now";
  }
  if (size < hour) {
    return relative.format(Math.round(distance / minute), "minute");
  }
  if (size < day) {
    return relative.format(Math.round(distance / hour), "hour");
  }
  return size <= 7 * day ? relative.format(Math.round(distance / day), "day") : date.format(at);
}

let now = Date.now();
const listeners = new Set<() => void>();
let timer: number | undefined;

/** One clock for all times in the page: it strikes twice a minute, and stands while nobody looks at it. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = window.setInterval(() => {
      now = Date.now();
      listeners.forEach((strike) => {
        strike();
      });
    }, minute / 2);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

/** A time, told from now: "3 hours ago"; `missing` where there is none. Its exact date and time are in its title. */
export function Time({ at, missing = "never" }: { at: string | null; missing?: string | undefined }) {
  const current = useSyncExternalStore(subscribe, () => now);
  if (at === null) {
    return missing;
  }
  return (
    <time dateTime={at} title={exact.format(new Date(at))} className="whitespace-nowrap">
      {inWords(Date.parse(at), current)}
    </time>
  );
}
