import { createPortico, type SignedOutReason } from "@portico/sdk";
import { QueryClient } from "@tanstack/react-query";

/** The one connection of this page to the gateway that served it. */
export const portico = createPortico({
  onSignedOut: (reason) => {
    leave(reason);
  },
});

let leave: (reason: SignedOutReason) => void = () => undefined;

/** What to do when nobody is signed in any more. */
export function whenSignedOut(listener: (reason: SignedOutReason) => void): void {
  leave = listener;
}

/** What was loaded, and how long it is good for: live changes keep it fresh, so it is rarely asked for again. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 30_000, gcTime: 24 * 60 * 60_000, retry: false, networkMode: "offlineFirst" },
    mutations: { retry: false, networkMode: "always" },
  },
});
