import { bodyOf, pageOf, type Http } from "../http.js";
import { defined, signalOf, type CallOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { operations, Session } from "../schema.js";

export type SessionsQuery = Loose<NonNullable<operations["listSessions"]["parameters"]["query"]>>;

/** Where one is signed in oneself. */
export function ownSessionsOf({ signed }: Http) {
  const list = (query: SessionsQuery = {}, options: CallOptions = {}): Promise<Page<Session>> =>
    pageOf(signed.GET("/api/v1/auth/sessions", { params: { query: defined(query) }, ...signalOf(options) }));
  return {
    /** A page of them, the last used first. */
    list,
    /** All of them. */
    all: (query: SessionsQuery = {}, options: CallOptions = {}) => walk((next) => list(next, options), query),
    /** Ends one. To end this one, use `auth.logout()`. */
    async revoke(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/auth/sessions/{id}", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
  };
}
