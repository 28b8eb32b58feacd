import type { SignedOutReason } from "@portico/sdk";
import { router } from "./router";

/**
 * Leaves the pages of those who are signed in when nobody is any more. Whoever did not want it so is told, and comes
 * back to where they were.
 */
export async function leave(reason: SignedOutReason): Promise<void> {
  if (!router.state.matches.some(({ routeId }) => routeId === "/app")) {
    return;
  }
  if (reason === "asked") {
    await router.navigate({ to: "/login" });
    return;
  }
  await router.invalidate();
  const { toast } = await import("sonner");
  toast("Your session has ended. Sign in to go on.");
}
