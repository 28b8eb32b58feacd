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
import type { CreateProjectRequest, operations, Project, UpdateProjectRequest } from "../schema.js";
import { membersOf } from "./members.js";
import { projectInvitationsOf } from "./project-invitations.js";

export type ProjectsQuery = Loose<NonNullable<operations["listProjects"]["parameters"]["query"]>>;
export type NewProject = Loose<CreateProjectRequest>;
export type ProjectChange = Loose<UpdateProjectRequest>;

export function projectsOf(http: Http) {
  const { signed } = http;
  const list = (query: ProjectsQuery = {}, options: CallOptions = {}): Promise<Page<Project>> =>
    pageOf(signed.GET("/api/v1/projects", { params: { query: defined(query) }, ...signalOf(options) }));
  return {
    members: membersOf(http),
    invitations: projectInvitationsOf(http),

    /** A page of one's own projects, or of all public ones with `visibility: "PUBLIC"`. */
    list,
    all: (query: ProjectsQuery = {}, options: CallOptions = {}) => walk((next) => list(next, options), query),
    /** @throws PorticoError `PROJECT_NOT_FOUND` */
    get(idOrSlug: string, options: CallOptions = {}): Promise<Project> {
      return dataOf(
        signed.GET("/api/v1/projects/{id}", { params: { path: { id: idOrSlug } }, ...signalOf(options) }),
      );
    },
    /**
     * Makes a project that one owns. Without a `slug` it is made from the name.
     * @throws PorticoError `SLUG_EXISTS`
     */
    create(input: NewProject, options: CreateOptions = {}): Promise<Project> {
      return dataOf(
        signed.POST("/api/v1/projects", {
          params: { header: idempotent(options) },
          body: defined(input),
          ...signalOf(options),
        }),
      );
    },
    /**
     * Changes the fields that are given; null clears. OWNER or ADMIN of it.
     * @throws PorticoError `ETAG_MISMATCH`, `PROJECT_ARCHIVED`, `SLUG_EXISTS`
     */
    update(id: string, change: ProjectChange, options: ChangeOptions = {}): Promise<Project> {
      return dataOf(
        signed.PATCH("/api/v1/projects/{id}", {
          params: { path: { id }, header: ifMatch(options) },
          body: defined(change),
          ...signalOf(options),
        }),
      );
    },
    /** Deletes a project for good. OWNER of it. */
    async remove(id: string, options: ChangeOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/projects/{id}", {
          params: { path: { id }, header: ifMatch(options) },
          ...signalOf(options),
        }),
      );
    },
    /** Makes a project read-only. Doing it again is fine. */
    archive(id: string, options: CallOptions = {}): Promise<Project> {
      return dataOf(
        signed.POST("/api/v1/projects/{id}/archive", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    unarchive(id: string, options: CallOptions = {}): Promise<Project> {
      return dataOf(
        signed.POST("/api/v1/projects/{id}/unarchive", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    /**
     * Makes another member the owner; the former one becomes ADMIN. OWNER of it.
     * @throws PorticoError `MEMBER_NOT_FOUND`
     */
    transfer(id: string, input: { userId: string }, options: CallOptions = {}): Promise<Project> {
      return dataOf(
        signed.POST("/api/v1/projects/{id}/transfer", {
          params: { path: { id } },
          body: input,
          ...signalOf(options),
        }),
      );
    },
  };
}
