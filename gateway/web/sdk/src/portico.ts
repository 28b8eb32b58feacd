import { baseUrlOf, bodyOf, createHttp, type Http } from "./http.js";
import { liveOf, type Live } from "./live.js";
import type { Observable } from "./observable.js";
import { adminOf } from "./resources/admin.js";
import { authOf } from "./resources/auth.js";
import { invitationsOf } from "./resources/invitations.js";
import { projectsOf } from "./resources/projects.js";
import { serviceAccountsOf } from "./resources/service-accounts.js";
import { usersOf } from "./resources/users.js";
import { Session, type SessionState, type SignedOutReason } from "./session.js";
import { noTabs, tabsOf } from "./tabs.js";
import type { IssuedAt } from "./tokens.js";

export interface PorticoOptions {
  /** Where the gateway is: in browsers the page's own origin, if nothing else is said. */
  baseUrl?: string | undefined;
  /** What to call it with, if not the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /**
   * Where the refresh token is: in an HttpOnly cookie, which all tabs share (in browsers, if nothing else is
   * said), or in memory, so that it ends with the program. The access token is in memory always.
   */
  storage?: "cookie" | "memory" | undefined;
  /** Called when nobody is signed in any more: `asked` for, also in another tab, or because the session `ended`. */
  onSignedOut?: ((reason: SignedOutReason) => void) | undefined;
}

export interface Portico {
  readonly auth: ReturnType<typeof authOf>;
  readonly users: ReturnType<typeof usersOf>;
  readonly projects: ReturnType<typeof projectsOf>;
  readonly invitations: ReturnType<typeof invitationsOf>;
  readonly admin: ReturnType<typeof adminOf>;
  readonly serviceAccounts: ReturnType<typeof serviceAccountsOf>;
  /** What others change, as they change it. */
  readonly live: Omit<Live, "close">;
  /** Who is signed in. */
  readonly session: Observable<SessionState>;
  /** Lets go of everything that would keep a program from ending. Nobody is signed out by it. */
  readonly close: () => void;
}

/** A connection to a gateway, for one person at a time. */
export function createPortico(options: PorticoOptions = {}): Portico {
  const baseUrl = baseUrlOf(options.baseUrl);
  const storage = options.storage ?? (typeof document === "undefined" ? "memory" : "cookie");
  const cookie = storage === "cookie";
  const tabs = cookie ? tabsOf(baseUrl) : noTabs();

  const session = new Session({
    cookie,
    tabs,
    exchange: (refreshToken) => exchange(http, refreshToken),
    onSignedOut: options.onSignedOut,
  });
  const http = createHttp({
    baseUrl,
    fetch: options.fetch ?? ((request) => globalThis.fetch(request)),
    credentials: cookie ? "include" : "omit",
    bearer: session,
  });

  const live = liveOf(baseUrl, session);

  return {
    auth: authOf(http, session),
    users: usersOf(http, session),
    projects: projectsOf(http),
    invitations: invitationsOf(http),
    admin: adminOf(http),
    serviceAccounts: serviceAccountsOf(http),
    live,
    session: session.state,
    close: () => {
      live.close();
      tabs.close();
    },
  };
}

/**
 * Exchanges a refresh token. That may be done again after a failure: the gateway takes the token before the
 * last for 30 seconds more.
 */
async function exchange(http: Http, refreshToken: string | null): Promise<IssuedAt> {
  const body = refreshToken === null ? {} : { refreshToken };
  const { data, meta } = await bodyOf(http.repeatable.POST("/api/v1/auth/refresh", { body }));
  return { issued: data, timestamp: meta.timestamp };
}
