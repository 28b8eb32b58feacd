// Who is signed in, in this tab and with it in all others.
import { subjectOf, type Observable } from "./observable.js";
import type { User } from "./schema.js";
import type { Tabs } from "./tabs.js";
import { Tokens, type IssuedAt } from "./tokens.js";

/** Who is signed in. It is `unknown` until `auth.restore()` or a sign-in has told. */
export type SessionState =
  | { readonly status: "unknown"; readonly user: null }
  | { readonly status: "signedOut"; readonly user: null }
  | { readonly status: "signedIn"; readonly user: User };

/** Why nobody is signed in any more: somebody wanted it so, or the session has ended by itself. */
export type SignedOutReason = "asked" | "ended";

export interface SessionOptions {
  cookie: boolean;
  tabs: Tabs;
  exchange: (refreshToken: string | null) => Promise<IssuedAt>;
  onSignedOut?: ((reason: SignedOutReason) => void) | undefined;
}

export class Session {
  readonly #state = subjectOf<SessionState>({ status: "unknown", user: null });
  readonly #tokens: Tokens;
  readonly #options: SessionOptions;
  readonly state: Observable<SessionState> = this.#state;
  /** Whether a cookie carries the refresh token. */
  readonly cookie: boolean;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.cookie = options.cookie;
    this.#tokens = new Tokens({
      cookie: options.cookie,
      tabs: options.tabs,
      exchange: options.exchange,
      onRefused: () => {
        this.signOut("ended");
      },
    });
    options.tabs.listen((word) => {
      switch (word.type) {
        case "signedIn":
          this.#tokens.adopt(word.grant);
          this.#enter(word.user);
          break;
        case "renewed":
          if (this.#state.getState().status !== "signedOut") {
            this.#tokens.adopt(word.grant);
          }
          break;
        case "signedOut":
          this.#leave("asked");
          break;
        case "wanted":
          this.#tokens.answerTo(word);
      }
    });
  }

  /** When the token in use should be renewed, in milliseconds since 1970; null without one. */
  get renewAt(): number | null {
    return this.#tokens.grant?.renewAt ?? null;
  }

  async token(): Promise<string | null> {
    return this.#state.getState().status === "signedOut" ? null : this.#tokens.token();
  }

  async renew(refused: string): Promise<string | null> {
    return this.#state.getState().status === "signedOut" ? null : this.#tokens.renew(refused);
  }

  /** Somebody has signed in, here. */
  signIn(user: User, answer: IssuedAt): void {
    const grant = this.#tokens.signIn(answer);
    this.#enter(user);
    this.#options.tabs.tell({ type: "signedIn", grant, user });
  }

  /** Somebody is known to be signed in, as the gateway tells. */
  restored(user: User): void {
    if (this.#tokens.grant !== null) {
      this.#enter(user);
    }
  }

  /** Somebody was signed in when this program last ran, and nothing newer is known. The gateway decides at the next call. */
  resumed(user: User): void {
    if (this.#state.getState().status === "unknown") {
      this.#enter(user);
    }
  }

  /** The person has changed; news of anybody else is none. */
  changed(user: User): void {
    const { user: known } = this.#state.getState();
    if (known?.id === user.id) {
      this.#state.set({ status: "signedIn", user });
    }
  }

  /** Nobody is signed in any more, here and in all other tabs. */
  signOut(reason: SignedOutReason): void {
    this.#leave(reason);
    this.#options.tabs.tell({ type: "signedOut" });
  }

  #enter(user: User): void {
    this.#state.set({ status: "signedIn", user });
  }

  #leave(reason: SignedOutReason): void {
    const { status } = this.#state.getState();
    this.#tokens.signOut();
    if (status === "signedOut") {
      return;
    }
    this.#state.set({ status: "signedOut", user: null });
    if (status === "signedIn") {
      this.#options.onSignedOut?.(reason);
    }
  }
}
