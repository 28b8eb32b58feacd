import type { CallOptions, CreateOptions, Loose } from "../input.js";
import { defined, idempotent, signalOf } from "../input.js";
import { bodyOf, dataOf, type Http } from "../http.js";
import { getCredential } from "../passkeys.js";
import type {
  AnswerChallengeRequest,
  Ceremony,
  LoginRequest,
  LoginResponse,
  LoginResponseMfaMethod,
  Meta,
  ReauthenticateRequest,
  ReauthenticateResponse,
  RegisterRequest,
  User,
} from "../schema.js";
import type { Session } from "../session.js";
import { apiKeysOf } from "./api-keys.js";
import { emailOf } from "./email.js";
import { mfaOf } from "./mfa.js";
import { ownPasskeysOf } from "./own-passkeys.js";
import { passwordOf } from "./password.js";
import { ownSessionsOf } from "./own-sessions.js";

/** What can prove who somebody is, beside the password. */
export type MfaMethod = LoginResponseMfaMethod;

export type SignInResult =
  | { readonly status: "signedIn"; readonly user: User }
  /** A second proof is needed: give `mfaToken`, good for 5 minutes and 5 tries, to `answerChallenge`. */
  | { readonly status: "mfaRequired"; readonly mfaToken: string; readonly methods: readonly MfaMethod[] };

export type RegisterResult =
  | { readonly status: "signedIn"; readonly user: User }
  /** The address must be verified first, by the link in a mail. */
  | { readonly status: "verificationRequired" };

export type Registration = Omit<RegisterRequest, "cookie">;
export type Credentials = Omit<LoginRequest, "cookie">;
export type ChallengeAnswer = Loose<Omit<AnswerChallengeRequest, "cookie">>;
export type Reauthentication = Loose<ReauthenticateRequest>;

export function authOf(http: Http, session: Session) {
  const { open, signed } = http;
  const cookie = session.cookie;
  let restoring: Promise<User | null> | null = null;

  const enter = ({ data, meta }: { data: LoginResponse; meta: Meta }): SignInResult => {
    const { mfaRequired, mfaToken, methods, user, token, expiresAt, refreshToken } = data;
    if (mfaRequired && mfaToken !== null) {
      return { status: "mfaRequired", mfaToken, methods };
    }
    if (user === null || token === null) {
      throw new TypeError("the gateway's answer to a sign-in is incomplete");
    }
    session.signIn(user, { issued: { token, expiresAt, refreshToken }, timestamp: meta.timestamp });
    return { status: "signedIn", user };
  };

  const me = async (options: CallOptions = {}): Promise<User> => {
    const user = await dataOf(signed.GET("/api/v1/auth/me", signalOf(options)));
    session.changed(user);
    return user;
  };

  const answerChallenge = async (
    answer: ChallengeAnswer,
    options: CallOptions = {},
  ): Promise<SignInResult> => {
    const body = { ...defined<AnswerChallengeRequest>(answer), cookie };
    return enter(await bodyOf(open.POST("/api/v1/auth/mfa/challenge", { body, ...signalOf(options) })));
  };

  const beginPasskeyChallenge = (input: { mfaToken: string }, options: CallOptions = {}): Promise<Ceremony> =>
    dataOf(open.POST("/api/v1/auth/mfa/passkey/options", { body: input, ...signalOf(options) }));

  const reauthenticate = (
    proof: Reauthentication,
    options: CallOptions = {},
  ): Promise<ReauthenticateResponse> =>
    dataOf(signed.POST("/api/v1/auth/reauthenticate", { body: defined(proof), ...signalOf(options) }));

  return {
    sessions: ownSessionsOf(http),
    password: passwordOf(http),
    email: emailOf(http, session),
    mfa: mfaOf(http),
    passkeys: ownPasskeysOf(http),
    apiKeys: apiKeysOf(http),

    /**
     * Makes an account and signs in, unless the address must be verified first.
     * @throws PorticoError `EMAIL_EXISTS`, `VALIDATION_FAILED`
     */
    async register(registration: Registration, options: CreateOptions = {}): Promise<RegisterResult> {
      const call = open.POST("/api/v1/auth/register", {
        params: { header: idempotent(options) },
        body: { ...registration, cookie },
        ...signalOf(options),
      });
      const { data, meta } = await bodyOf(call);
      const { user, token, expiresAt, refreshToken } = data;
      if (user === null || token === null) {
        return { status: "verificationRequired" };
      }
      session.signIn(user, { issued: { token, expiresAt, refreshToken }, timestamp: meta.timestamp });
      return { status: "signedIn", user };
    },

    /**
     * Signs in by a password.
     * @throws PorticoError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, `EMAIL_NOT_VERIFIED`, `ACCOUNT_DISABLED`
     */
    async login(credentials: Credentials, options: CallOptions = {}): Promise<SignInResult> {
      const body = { ...credentials, cookie };
      return enter(await bodyOf(open.POST("/api/v1/auth/login", { body, ...signalOf(options) })));
    },

    /**
     * Gives the second proof: a `code`, a `recoveryCode`, or `ceremonyId` and `credential`.
     * @throws PorticoError `MFA_CODE_INVALID`; `MFA_TOKEN_INVALID`: sign in again
     */
    answerChallenge,

    /** Begins the second proof by a passkey; `answerChallengeWithPasskey` does it all. */
    beginPasskeyChallenge,

    /**
     * Gives the second proof by a passkey. Browsers only.
     * @throws DOMException if the person cancelled: see `isPasskeyCancelled`
     */
    async answerChallengeWithPasskey(
      { mfaToken }: { mfaToken: string },
      options: CallOptions = {},
    ): Promise<SignInResult> {
      const { ceremonyId, publicKey } = await beginPasskeyChallenge({ mfaToken }, options);
      const credential = await getCredential(publicKey, options);
      return answerChallenge({ mfaToken, ceremonyId, credential }, options);
    },

    /**
     * Signs in by a passkey alone. Browsers only. With `mediation: "conditional"` the browser offers it in the
     * menu of a field; end that by `signal`.
     * @throws DOMException if the person cancelled: see `isPasskeyCancelled`
     */
    async loginWithPasskey(
      options: CallOptions & { mediation?: CredentialMediationRequirement | undefined } = {},
    ): Promise<SignInResult> {
      const { ceremonyId, publicKey } = await dataOf(
        open.POST("/api/v1/auth/passkeys/login/options", signalOf(options)),
      );
      const credential = await getCredential(publicKey, options);
      const body = { ceremonyId, credential, cookie };
      return enter(await bodyOf(open.POST("/api/v1/auth/passkeys/login", { body, ...signalOf(options) })));
    },

    /**
     * Finds out whether somebody is signed in: call it once, at the start. It asks again only while that is
     * not known.
     * @throws NetworkError if there is no connection; who is signed in stays unknown then
     */
    async restore(): Promise<User | null> {
      const { status, user } = session.state.getState();
      if (status !== "unknown") {
        return user;
      }
      restoring ??= (async () => {
        if ((await session.token()) === null) {
          return null;
        }
        const known = await dataOf(signed.GET("/api/v1/auth/me"));
        session.restored(known);
        return session.state.getState().user;
      })().finally(() => {
        restoring = null;
      });
      return restoring;
    },

    /**
     * Goes on as the person that was signed in last, as kept by the program, where `restore` found no connection.
     * The gateway has the last word: it is asked for a token at the next call that reaches it, and if it refuses,
     * nobody is signed in. Then compare `me()`: in the meantime another person may have signed in here.
     */
    resume(user: User): void {
      session.resumed(user);
    },

    /** Who is signed in, as the gateway has it now. */
    me,

    /**
     * Ends this session, in all tabs.
     * @throws NetworkError if there is no connection: then the session goes on
     */
    async logout(options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/logout", signalOf(options)));
      session.signOut("asked");
    },

    /** Ends all sessions of this person, on all devices. API keys stay. */
    async logoutAll(options: CallOptions = {}): Promise<void> {
      await bodyOf(signed.POST("/api/v1/auth/logout-all", signalOf(options)));
      session.signOut("asked");
    },

    /**
     * Proves again who one is, as sensitive changes need it more than 10 minutes after a sign-in: by a
     * `password`, a `code`, or `ceremonyId` and `credential`.
     * @throws PorticoError `VALIDATION_FAILED` with `PASSWORD_INCORRECT`, `CODE_INCORRECT` or `CREDENTIAL_INVALID`
     */
    reauthenticate,

    /** The same by a passkey. Browsers only. */
    async reauthenticateWithPasskey(options: CallOptions = {}): Promise<ReauthenticateResponse> {
      const { ceremonyId, publicKey } = await dataOf(
        open.POST("/api/v1/auth/passkeys/login/options", signalOf(options)),
      );
      const credential = await getCredential(publicKey, options);
      return reauthenticate({ ceremonyId, credential }, options);
    },
  };
}
