/** Notices what others changed while one looks, so that it can be shown for a moment. */
import { useIsMutating } from "@tanstack/react-query";
import { useEffect, useState } from "react";

/** How long a change stays marked, in milliseconds. */
const shown = 1_600;

/** The look of a row that may be marked. There is no movement in it but the fading of a colour. */
export const markable = "transition-colors data-changed:bg-accent-soft";

/** Is true for a moment after the value has become another one. What one does oneself is no news. */
export function useChanged(value: string | null): true | undefined {
  const isOwn = useIsMutating() > 0;
  const [seen, setSeen] = useState(value);
  const [changed, setChanged] = useState(0);
  if (value !== seen) {
    setSeen(value);
    if (!isOwn) {
      setChanged(changed + 1);
    }
  }
  useEffect(() => {
    if (changed === 0) {
      return;
    }
    const timer = setTimeout(() => {
      setChanged(0);
    }, shown);
    return () => {
      clearTimeout(timer);
    };
  }, [changed]);
  return changed > 0 || undefined;
}

/**
 * Those of a list that came into it while one looked, for a moment each. What comes by loading
 * further pages has not: `complete` says whether the last row shown is the last there is. Nor has what
 * another `list` holds, or one that is loaded for the first time: then `ids` are not known before.
 */
export function useArrivals(
  ids: readonly string[] | undefined,
  complete: boolean,
  list = "",
): ReadonlySet<string> {
  const isOwn = useIsMutating() > 0;
  const [before, setBefore] = useState({ ids, complete, list });
  const [arrived, setArrived] = useState<ReadonlySet<string>>(new Set());
  if (ids !== before.ids && !sameIds(ids, before.ids)) {
    setBefore({ ids, complete, list });
    if (ids !== undefined && before.ids !== undefined && list === before.list && !isOwn) {
      const known = new Set(before.ids);
      const lastKnown = ids.findLastIndex((id) => known.has(id));
      const fresh = ids.filter((id, index) => !known.has(id) && (index < lastKnown || before.complete));
      if (fresh.length > 0) {
        setArrived(new Set(fresh));
      }
    }
  } else if (complete !== before.complete || list !== before.list) {
    setBefore({ ids, complete, list });
  }
  useEffect(() => {
    if (arrived.size === 0) {
      return;
    }
    const timer = setTimeout(() => {
      setArrived(new Set());
    }, shown);
    return () => {
      clearTimeout(timer);
    };
  }, [arrived]);
  return arrived;
}

function sameIds(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one?.length === other?.length && (one?.every((id, index) => id === other?.[index]) ?? true);
}
