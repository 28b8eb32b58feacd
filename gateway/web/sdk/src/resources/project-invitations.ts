import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import { defined, idempotent, signalOf, type CallOptions, type CreateOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { CreateInvitationRequest, Invitation, operations } from "../schema.js";

export type ProjectInvitationsQuery = Loose<
  NonNullable<operations["listInvitations"]["parameters"]["query"]>
>;

/** Who was invited to a project, by address. OWNER or ADMIN of it. */
export function projectInvitationsOf({ signed }: Http) {
  const list = (
    projectId: string,
    query: ProjectInvitationsQuery = {},
    options: CallOptions = {},
  ): Promise<Page<Invitation>> =>
    pageOf(
      signed.GET("/api/v1/projects/{projectId}/invitations", {
        params: { path: { projectId }, query: defined(query) },
        ...signalOf(options),
      }),
    );
  return {
    list,
    all: (projectId: string, query: ProjectInvitationsQuery = {}, options: CallOptions = {}) =>
      walk((next) => list(projectId, next, options), query),
    /** @throws PorticoError `ALREADY_MEMBER`, `ALREADY_INVITED`, `PROJECT_ARCHIVED` */
    create(
      projectId: string,
      input: CreateInvitationRequest,
      options: CreateOptions = {},
    ): Promise<Invitation> {
      return dataOf(
        signed.POST("/api/v1/projects/{projectId}/invitations", {
          params: { path: { projectId }, header: idempotent(options) },
          body: input,
          ...signalOf(options),
        }),
      );
    },
    /** @throws PorticoError `INVITATION_NOT_PENDING` */
    async revoke(projectId: string, id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/projects/{projectId}/invitations/{id}", {
          params: { path: { projectId, id } },
          ...signalOf(options),
        }),
      );
    },
    /** Has the mail sent again. */
    resend(projectId: string, id: string, options: CallOptions = {}): Promise<Invitation> {
      return dataOf(
        signed.POST("/api/v1/projects/{projectId}/invitations/{id}/resend", {
          params: { path: { projectId, id } },
          ...signalOf(options),
        }),
      );
    },
  };
}
