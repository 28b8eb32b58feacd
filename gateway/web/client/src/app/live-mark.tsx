import { useLiveStatus } from "@portico/sdk/react";
import { useSettled } from "@/lib/use-settled";
import { useConnection } from "./offline/connection";

/** Short interruptions are nobody's business. */
const patience = 3_000;

/** Says, quietly, that changes of others are not seen at once just now. */
export function LiveMark() {
  const status = useLiveStatus();
  const { isOffline } = useConnection();
  const isQuiet = useSettled(status !== "connected", patience);
  const isShown = isQuiet && status !== "connected" && !isOffline;
  return (
    <span role="status" className="flex items-center gap-2 text-xs text-muted empty:hidden">
      {isShown && (
        <>
          <span aria-hidden className="size-2 animate-pulse rounded-full bg-warning-text" />
          <span className="max-md:sr-only">Live updates are paused</span>
        </>
      )}
    </span>
  );
}
