import { useAuth, useMyInvitations } from "@portico/sdk/react";

/** What one is invited to. There is nothing to ask for before the email is verified, and at once after it. */
export function useInbox() {
  const { user } = useAuth();
  return useMyInvitations({}, { enabled: user?.emailVerified === true });
}
