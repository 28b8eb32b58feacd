import { dataOf, pageOf, type Http } from "../http.js";
import { defined, signalOf, type CallOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { Invitation, Member, operations } from "../schema.js";

export type InvitationsQuery = Loose<NonNullable<operations["listMyInvitations"]["parameters"]["query"]>>;

/** What one is invited to oneself. Before one's address is verified, that is nothing. */
export function invitationsOf({ signed }: Http) {
  const list = (query: InvitationsQuery = {}, options: CallOptions = {}): Promise<Page<Invitation>> =>
    pageOf(signed.GET("/api/v1/invitations", { params: { query: defined(query) }, ...signalOf(options) }));
  return {
    list,
    all: (query: InvitationsQuery = {}, options: CallOptions = {}) =>
      walk((next) => list(next, options), query),
    /**
     * Joins the project. Doing it again is fine.
     * @throws PorticoError `INVITATION_NOT_PENDING`, `EMAIL_NOT_VERIFIED`, `PROJECT_ARCHIVED`
     */
    accept(id: string, options: CallOptions = {}): Promise<Member> {
      return dataOf(
        signed.POST("/api/v1/invitations/{id}/accept", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /** @throws PorticoError `INVITATION_NOT_PENDING`, `EMAIL_NOT_VERIFIED` */
    decline(id: string, options: CallOptions = {}): Promise<Invitation> {
      return dataOf(
        signed.POST("/api/v1/invitations/{id}/decline", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
  };
}
