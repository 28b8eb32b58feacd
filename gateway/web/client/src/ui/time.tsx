import { useEffect, useState } from "react";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** A time in words, as seen at `now`: "3 minutes ago" while it is near, else the day. */
export function inWords(at: string, now: number): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Math.abs(seconds) >= 30 * 86_400) {
    return day.format(new Date(at));
  }
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) {
      return relative.format(Math.trunc(seconds / size), unit);
    }
  }
  return seconds > 0 ? "in a moment" : "just now";
}

/** A time in words, which goes on as time does; `missing` where there is none. The exact one shows on hovering. */
export function Time({ at, missing = "never" }: { at: string | null; missing?: string | undefined }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 30_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  if (at === null) {
    return missing;
  }
  return (
    <time dateTime={at} title={moment.format(new Date(at))}>
      {inWords(at, now)}
    </time>
  );
}
