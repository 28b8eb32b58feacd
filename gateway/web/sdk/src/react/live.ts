import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import type { LiveStatus } from "../live.js";
import { usePortico } from "./context.js";
import { applyEvent } from "./live-rules.js";

/**
 * Keeps what the hooks show as others change it, as long as somebody is signed in. Call it once, in a component
 * that stays. What is shown by `useProject` is joined by itself.
 */
export function useLiveUpdates(): void {
  const { live, session } = usePortico();
  const client = useQueryClient();
  useEffect(
    () =>
      live.subscribe((event) => {
        applyEvent(client, event, session.getState().user?.id);
      }),
    [live, session, client],
  );
}

/** Whether changes of others arrive just now. */
export function useLiveStatus(): LiveStatus {
  const { status } = usePortico().live;
  return useSyncExternalStore(status.subscribe, status.getState, status.getState);
}
