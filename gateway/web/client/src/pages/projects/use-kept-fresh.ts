import { useEffect, useEffectEvent } from "react";

/** How often to look, in milliseconds. */
const pause = 15_000;

/**
 * Loads something again from time to time while one looks, and at once when `clue` changes. Only the invited
 * person hears of an invitation as it happens; others have to ask what became of it.
 */
export function useKeptFresh(load: () => Promise<unknown>, clue: number): void {
  const look = useEffectEvent(() => {
    if (document.visibilityState === "visible") {
      void load();
    }
  });
  useEffect(() => {
    look();
    const timer = setInterval(look, pause);
    return () => {
      clearInterval(timer);
    };
  }, [clue]);
}
