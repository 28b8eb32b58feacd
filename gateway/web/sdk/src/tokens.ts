// Access tokens: kept in memory, made new before they expire, by one tab for all.
import { isPorticoError } from "./errors.js";
import type { Grant, Tabs, Word } from "./tabs.js";

/** How the gateway says which tokens somebody has. */
export interface Issued {
  readonly token: string;
  readonly expiresAt: string | null;
  /** Null where a cookie carries it. */
  readonly refreshToken: string | null;
}

/** An answer with tokens, and when it was made by the gateway's clock. */
export interface IssuedAt {
  readonly issued: Issued;
  readonly timestamp: string;
}

export interface TokensOptions {
  /** Whether a cookie carries the refresh token, which no script sees then. */
  cookie: boolean;
  tabs: Tabs;
  /** Exchanges the refresh token: the given one, or that of the cookie. */
  exchange: (refreshToken: string | null) => Promise<IssuedAt>;
  /** The gateway refused the refresh token: nobody is signed in any more. */
  onRefused: () => void;
}

/** A token is renewed when so much of its life is left, in milliseconds, or a quarter of it if it is short. */
const MARGIN = 60_000;

/** How long another tab may take to answer which token it has, in milliseconds. */
const ANSWER = 150;

export class Tokens {
  readonly #options: TokensOptions;
  #grant: Grant | null = null;
  #refreshToken: string | null = null;
  #renewing: Promise<string | null> | null = null;
  /** Grows with each sign-in and sign-out: what was asked for before is void. */
  #epoch = 0;
  #answered: (() => void) | null = null;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  get grant(): Grant | null {
    return this.#grant;
  }

  /** Takes the tokens of a sign-in. */
  signIn(answer: IssuedAt): Grant {
    this.#epoch += 1;
    return this.#take(answer);
  }

  /** Takes what another tab has got. */
  adopt(grant: Grant): void {
    this.#grant = grant;
    this.#answered?.();
  }

  /** Forgets everything. */
  signOut(): void {
    this.#epoch += 1;
    this.#grant = null;
    this.#refreshToken = null;
  }

  /** What another tab may be told that has asked for a token. */
  answerTo(word: Word): void {
    if (word.type === "wanted" && this.#grant !== null && isGood(this.#grant)) {
      this.#options.tabs.tell({ type: "renewed", grant: this.#grant });
    }
  }

  /** A token that is good for a while, or null if nobody is signed in. */
  async token(): Promise<string | null> {
    return this.#grant !== null && isGood(this.#grant) ? this.#grant.token : this.#renew();
  }

  /** Another token than the one that was refused. */
  async renew(refused: string): Promise<string | null> {
    if (this.#grant?.token === refused) {
      this.#grant = null;
    }
    return this.token();
  }

  #renew(): Promise<string | null> {
    this.#renewing ??= this.#options.tabs
      .alone((waited) => this.#exchange(waited))
      .finally(() => {
        this.#renewing = null;
      });
    return this.#renewing;
  }

  async #exchange(waited: boolean): Promise<string | null> {
    const { cookie, tabs, exchange, onRefused } = this.#options;
    if (waited) {
      await this.#ask();
      if (this.#grant !== null && isGood(this.#grant)) {
        return this.#grant.token;
      }
    }
    const epoch = this.#epoch;
    if (!cookie && this.#refreshToken === null) {
      onRefused();
      return null;
    }
    try {
      const answer = await exchange(this.#refreshToken);
      if (epoch === this.#epoch) {
        tabs.tell({ type: "renewed", grant: this.#take(answer) });
      }
    } catch (error) {
      if (!isRefusal(error)) {
        throw error;
      }
      if (epoch === this.#epoch) {
        onRefused();
      }
    }
    return this.#grant?.token ?? null;
  }

  /** Asks the other tabs: one of them has just renewed, or it had nothing to renew. */
  async #ask(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER);
      this.#answered = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#options.tabs.tell({ type: "wanted" });
    });
    this.#answered = null;
  }

  #take({ issued, timestamp }: IssuedAt): Grant {
    // By the difference of two times of the gateway, so that this machine's clock may be wrong.
    const lifetime = issued.expiresAt === null ? 0 : Date.parse(issued.expiresAt) - Date.parse(timestamp);
    const expiresAt = Date.now() + lifetime;
    this.#grant = {
      token: issued.token,
      expiresAt,
      renewAt: expiresAt - Math.min(MARGIN, lifetime / 4),
    };
    this.#refreshToken = issued.refreshToken;
    return this.#grant;
  }
}

function isGood(grant: Grant): boolean {
  return Date.now() < grant.renewAt;
}

/** Whether the gateway said no for good; everything else may pass. */
function isRefusal(error: unknown): boolean {
  return isPorticoError(error) && (error.status === 401 || error.code === "ACCOUNT_DISABLED");
}
