import { bodyOf, dataOf, type Http } from "../http.js";
import { signalOf, type CallOptions } from "../input.js";
import type { User } from "../schema.js";
import type { Session } from "../session.js";

export function emailOf({ open, signed }: Http, session: Session) {
  return {
    /**
     * Says that an address is one's own, by the token of the link that was mailed to it: at the beginning, or
     * after a change.
     * @throws PorticoError `LINK_INVALID`
     */
    async verify(input: { token: string }, options: CallOptions = {}): Promise<User> {
      const user = await dataOf(
        open.POST("/api/v1/auth/email/verify", { body: input, ...signalOf(options) }),
      );
      session.changed(user);
      return user;
    },
    /** Has that link mailed again. */
    async resend(options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/email/resend", signalOf(options)));
    },
    /**
     * Asks for another address, which must be verified before it counts.
     * @throws PorticoError `REAUTHENTICATION_REQUIRED`
     */
    async change(input: { newEmail: string }, options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/email/change", { body: input, ...signalOf(options) }));
    },
    /**
     * Takes a change back, by the token of the link that was mailed to the old address, within 7 days.
     * @throws PorticoError `LINK_INVALID`
     */
    async undo(input: { token: string }, options: CallOptions = {}): Promise<User> {
      const user = await dataOf(open.POST("/api/v1/auth/email/undo", { body: input, ...signalOf(options) }));
      session.changed(user);
      return user;
    },
  };
}
