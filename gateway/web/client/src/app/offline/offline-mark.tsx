import { CloudOff } from "lucide-react";
import { useState } from "react";
import { tryAgain, useConnection } from "./connection";

const time = new Intl.DateTimeFormat("en", { timeStyle: "short" });
const dayAndTime = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** Says, for as long as there is no connection, that what is shown may be old. It covers nothing that matters and moves nothing. */
export function OfflineMark() {
  const { isOffline, loadedAt } = useConnection();
  const [isTrying, setIsTrying] = useState(false);
  const again = async () => {
    setIsTrying(true);
    await tryAgain();
    setIsTrying(false);
  };
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-0 bottom-[calc(3.5rem+env(safe-area-inset-bottom))] z-30 flex justify-center p-3 md:bottom-0 md:left-60"
    >
      {isOffline && (
        <div className="appear pointer-events-auto flex max-w-full items-center gap-2.5 rounded-lg border border-line bg-raised py-1 pr-1 pl-3.5 text-[13px] shadow-raised">
          <CloudOff aria-hidden className="size-4 shrink-0 text-warning-text" />
          <span>
            <b className="font-medium">Offline</b>: showing what was loaded last
            {loadedAt !== null && <>, {momentOf(loadedAt)}</>}
          </span>
          <button
            type="button"
            aria-disabled={isTrying}
            className="h-8 shrink-0 rounded-md px-2.5 font-medium text-accent-text hover:bg-hover pointer-coarse:h-10"
            onClick={() => void again()}
          >
            {isTrying ? "Trying…" : "Try again"}
          </button>
        </div>
      )}
    </div>
  );
}

/** Today's times go without the day. */
function momentOf(at: number): string {
  const moment = new Date(at);
  return moment.toDateString() === new Date().toDateString()
    ? `at ${time.format(moment)}`
    : `on ${dayAndTime.format(moment)}`;
}
