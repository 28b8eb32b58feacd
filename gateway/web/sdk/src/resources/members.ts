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
import type { CreateMemberRequest, Member, operations, UpdateMemberRequest } from "../schema.js";

export type MembersQuery = Loose<NonNullable<operations["listMembers"]["parameters"]["query"]>>;

/** Who belongs to a project. */
export function membersOf({ signed }: Http) {
  const list = (
    projectId: string,
    query: MembersQuery = {},
    options: CallOptions = {},
  ): Promise<Page<Member>> =>
    pageOf(
      signed.GET("/api/v1/projects/{projectId}/members", {
        params: { path: { projectId }, query: defined(query) },
        ...signalOf(options),
      }),
    );
  return {
    /** A page of them, by when they joined. A VIEWER sees no addresses. */
    list,
    all: (projectId: string, query: MembersQuery = {}, options: CallOptions = {}) =>
      walk((next) => list(projectId, next, options), query),
    /**
     * Adds somebody whose id is known; others are invited by their address.
     * @throws PorticoError `USER_NOT_FOUND`, `ALREADY_MEMBER`, `PROJECT_ARCHIVED`
     */
    add(projectId: string, input: CreateMemberRequest, options: CreateOptions = {}): Promise<Member> {
      return dataOf(
        signed.POST("/api/v1/projects/{projectId}/members", {
          params: { path: { projectId }, header: idempotent(options) },
          body: input,
          ...signalOf(options),
        }),
      );
    },
    /** @throws PorticoError `LAST_OWNER`, `ETAG_MISMATCH`, `PROJECT_ARCHIVED` */
    update(
      projectId: string,
      userId: string,
      change: UpdateMemberRequest,
      options: ChangeOptions = {},
    ): Promise<Member> {
      return dataOf(
        signed.PATCH("/api/v1/projects/{projectId}/members/{userId}", {
          params: { path: { projectId, userId }, header: ifMatch(options) },
          body: change,
          ...signalOf(options),
        }),
      );
    },
    /**
     * Takes somebody out of a project; oneself to leave it.
     * @throws PorticoError `LAST_OWNER`
     */
    async remove(projectId: string, userId: string, options: ChangeOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/projects/{projectId}/members/{userId}", {
          params: { path: { projectId, userId }, header: ifMatch(options) },
          ...signalOf(options),
        }),
      );
    },
  };
}
