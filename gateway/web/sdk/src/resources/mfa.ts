import { bodyOf, dataOf, type Http } from "../http.js";
import { signalOf, type CallOptions } from "../input.js";
import type { Factors, RecoveryCodes, TotpSecret } from "../schema.js";

/**
 * What proves who one is beside the password. All changes need a sign-in or `reauthenticate` within the last
 * 10 minutes, else they fail with `REAUTHENTICATION_REQUIRED`.
 */
export function mfaOf({ signed }: Http) {
  return {
    /** What there is. */
    factors(options: CallOptions = {}): Promise<Factors> {
      return dataOf(signed.GET("/api/v1/auth/mfa", signalOf(options)));
    },
    /**
     * Makes a secret for an authenticator app. It counts once a code of it is confirmed.
     * @throws PorticoError `MFA_ALREADY_ENABLED`
     */
    beginTotp(options: CallOptions = {}): Promise<TotpSecret> {
      return dataOf(signed.POST("/api/v1/auth/mfa/totp", signalOf(options)));
    },
    /** Confirms the app by a code of it. The recovery codes are shown this once. */
    confirmTotp(input: { code: string }, options: CallOptions = {}): Promise<RecoveryCodes> {
      return dataOf(signed.POST("/api/v1/auth/mfa/totp/confirm", { body: input, ...signalOf(options) }));
    },
    /** Does without the app from now on; needs a code of it. */
    async disableTotp(input: { code: string }, options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/mfa/totp/disable", { body: input, ...signalOf(options) }));
    },
    /** Makes new recovery codes; the old ones are void. */
    renewRecoveryCodes(options: CallOptions = {}): Promise<RecoveryCodes> {
      return dataOf(signed.POST("/api/v1/auth/mfa/recovery-codes", signalOf(options)));
    },
  };
}
