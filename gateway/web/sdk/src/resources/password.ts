import { bodyOf, dataOf, type Http } from "../http.js";
import { defined, signalOf, type CallOptions, type Loose } from "../input.js";
import type {
  ChangePasswordRequest,
  EstimateStrengthRequest,
  EstimateStrengthResponse,
  ResetPasswordRequest,
} from "../schema.js";

/** How strong a password is: `score` from 0 to 4, and what to do about it. */
export type PasswordStrength = EstimateStrengthResponse;

export function passwordOf({ open, signed }: Http) {
  return {
    /** Has a link mailed with which a new password can be set; says nothing about whether there is an account. */
    async forgot(input: { email: string }, options: CallOptions = {}): Promise<void> {
      await bodyOf(open.POST("/api/v1/auth/password/forgot", { body: input, ...signalOf(options) }));
    },
    /**
     * Sets a new password by the token of that link. All sessions end.
     * @throws PorticoError `LINK_INVALID`
     */
    async reset(input: ResetPasswordRequest, options: CallOptions = {}): Promise<void> {
      await bodyOf(open.POST("/api/v1/auth/password/reset", { body: input, ...signalOf(options) }));
    },
    /**
     * Changes the password. All other sessions end.
     * @throws PorticoError `VALIDATION_FAILED` with `PASSWORD_INCORRECT` at `currentPassword`
     */
    async change(input: ChangePasswordRequest, options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/password/change", { body: input, ...signalOf(options) }));
    },
    /** Says how strong a password would be, for somebody of that name and address. */
    strength(input: Loose<EstimateStrengthRequest>, options: CallOptions = {}): Promise<PasswordStrength> {
      return dataOf(
        open.POST("/api/v1/auth/password/strength", { body: defined(input), ...signalOf(options) }),
      );
    },
  };
}
