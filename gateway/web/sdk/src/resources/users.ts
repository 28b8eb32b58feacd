import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import {
  defined,
  idempotent,
  ifMatch,
  signalOf,
  type CallOptions,
  type ChangeOptions,
  type CreateOptions,
  type Loose,
} from "../input.js";
import { walk, type Page } from "../pages.js";
import type {
  CreateAccountRequest,
  ImpersonateResponse,
  operations,
  SignIn,
  UpdateUserRequest,
  User,
  UserExport,
} from "../schema.js";
import type { Session } from "../session.js";

export type UsersQuery = Loose<NonNullable<operations["listUsers"]["parameters"]["query"]>>;
export type SignInsQuery = Loose<NonNullable<operations["listSignIns"]["parameters"]["query"]>>;
type RemovalQuery = NonNullable<operations["deleteAccount"]["parameters"]["query"]>;
export type NewUser = Loose<CreateAccountRequest>;
export type UserChange = Loose<UpdateUserRequest>;

/** People. Whoever is no ADMIN finds only oneself here. */
export function usersOf({ signed }: Http, session: Session) {
  const list = (query: UsersQuery = {}, options: CallOptions = {}): Promise<Page<User>> =>
    pageOf(signed.GET("/api/v1/users", { params: { query: defined(query) }, ...signalOf(options) }));
  const signIns = (id: string, query: SignInsQuery = {}, options: CallOptions = {}): Promise<Page<SignIn>> =>
    pageOf(
      signed.GET("/api/v1/users/{id}/sign-ins", {
        params: { path: { id }, query: defined(query) },
        ...signalOf(options),
      }),
    );
  return {
    /** A page of them. Deleted ones only with `status: "DELETED"`. ADMIN only. */
    list,
    all: (query: UsersQuery = {}, options: CallOptions = {}) => walk((next) => list(next, options), query),
    /** @throws PorticoError `USER_NOT_FOUND` */
    async get(id: string, options: CallOptions = {}): Promise<User> {
      const user = await dataOf(
        signed.GET("/api/v1/users/{id}", { params: { path: { id } }, ...signalOf(options) }),
      );
      session.changed(user);
      return user;
    },
    /**
     * Makes an account for somebody else; without a password they set it by a link in a mail. ADMIN only.
     * @throws PorticoError `EMAIL_EXISTS`
     */
    create(input: NewUser, options: CreateOptions = {}): Promise<User> {
      return dataOf(
        signed.POST("/api/v1/users", {
          params: { header: idempotent(options) },
          body: defined(input),
          ...signalOf(options),
        }),
      );
    },
    /**
     * Changes the fields that are given; null clears. `role` and `status` by an ADMIN, and never one's own.
     * @throws PorticoError `ETAG_MISMATCH`, `LAST_ADMIN`
     */
    async update(id: string, change: UserChange, options: ChangeOptions = {}): Promise<User> {
      const user = await dataOf(
        signed.PATCH("/api/v1/users/{id}", {
          params: { path: { id }, header: ifMatch(options) },
          body: defined(change),
          ...signalOf(options),
        }),
      );
      session.changed(user);
      return user;
    },
    /**
     * Deletes an account; an ADMIN may name who gets the projects that would be left without an owner.
     * @throws PorticoError `LAST_OWNER` with these projects in `details`, `LAST_ADMIN`, `REAUTHENTICATION_REQUIRED`
     */
    async remove(
      id: string,
      options: ChangeOptions & { newOwnerId?: string | undefined } = {},
    ): Promise<void> {
      const query = defined<RemovalQuery>({ newOwnerId: options.newOwnerId });
      await bodyOf(
        signed.DELETE("/api/v1/users/{id}", {
          params: { path: { id }, header: ifMatch(options), query },
          ...signalOf(options),
        }),
      );
      if (session.state.getState().user?.id === id) {
        session.signOut("asked");
      }
    },
    /** Brings a deleted person back, without their memberships. ADMIN only. */
    restore(id: string, options: CallOptions = {}): Promise<User> {
      return dataOf(
        signed.POST("/api/v1/users/{id}/restore", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /** All that is known about a person. */
    export(id: string, options: CallOptions = {}): Promise<UserExport> {
      return dataOf(
        signed.GET("/api/v1/users/{id}/export", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /** Gives a short-lived token that acts as somebody else, for support. It is not used here. ADMIN only. */
    impersonate(
      id: string,
      input: { reason: string },
      options: CallOptions = {},
    ): Promise<ImpersonateResponse> {
      return dataOf(
        signed.POST("/api/v1/users/{id}/impersonate", {
          params: { path: { id } },
          body: input,
          ...signalOf(options),
        }),
      );
    },
    /** Takes all second proofs from somebody who has lost them. ADMIN only. */
    async resetMfa(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.POST("/api/v1/users/{id}/reset-mfa", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /** Ends all sessions of somebody. ADMIN only. */
    async endSessions(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/users/{id}/sessions", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /** A page of somebody's attempts to sign in, the newest first. */
    signIns,
  };
}
