// What live changes mean for the cache: changed in place where that is exact, loaded again where it is not.
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { isRecord } from "../errors.js";
import type { LiveEvent } from "../live-events.js";
import type { Invitation, Member, Project, Session, User } from "../schema.js";
import { changeArray, changeData, changeItems, type Pages } from "./cache.js";
import { keys } from "./keys.js";
import { forgetProject } from "./projects.js";
import { editUser } from "./users.js";

/** Applies a change that somebody made, as the person with that id sees it. */
export function applyEvent(client: QueryClient, event: LiveEvent, myId: string | undefined): void {
  const reload = (queryKey: QueryKey) => void client.invalidateQueries({ queryKey });
  switch (event.name) {
    case "project:created":
      if (!isListed(client, event.payload.id)) {
        reload(keys.projects.lists);
      }
      break;
    case "project:updated":
      updateProject(client, event.payload);
      break;
    case "project:deleted": {
      const { id } = event.payload;
      forgetProject(client, id);
      reloadProject(client, id);
      reload(keys.projects.lists);
      break;
    }
    case "member:added":
    case "member:updated":
    case "member:removed":
      changeMember(client, event, myId);
      break;
    case "invitation:created":
    case "invitation:updated": {
      const { id, status, projectId } = event.payload;
      if (status !== "PENDING") {
        changeItems<Invitation>(client, keys.invitations.all, (known) => (known.id === id ? null : known));
      }
      reload(keys.invitations.all);
      reload(keys.projectInvitations.of(projectId));
      break;
    }
    case "user:updated": {
      const user = event.payload;
      editUser(client, user.id, (known) => (isOlder(user, known) ? known : user));
      changeItems<Member>(client, keys.members.all, (member) =>
        member.user?.id === user.id
          ? { ...member, user: { ...member.user, name: user.name, avatar: user.avatar } }
          : member,
      );
      reload(keys.users.lists);
      break;
    }
    case "session:revoked": {
      const { id } = event.payload;
      changeArray<Session>(client, keys.sessions, (session) => (session.id === id ? null : session));
      break;
    }
    case "resync":
      reload(keys.all);
  }
}

/** The project as strangers see it has no `myRole`: that stays. */
function updateProject(client: QueryClient, project: Project): void {
  const update = (known: Project) =>
    known.id !== project.id || isOlder(project, known) ? known : { ...project, myRole: known.myRole };
  changeData<Project>(client, keys.projects.details, update);
  for (const query of client.getQueryCache().findAll({ queryKey: keys.projects.lists })) {
    const before = client
      .getQueryData<Pages<Project>>(query.queryKey)
      ?.pages.flatMap(({ items }) => items)
      .find(({ id }) => id === project.id);
    if (before === undefined || mayMove(query.queryKey, before, project)) {
      void client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }
  changeItems<Project>(client, keys.projects.lists, update);
}

/** Whether a project may stand elsewhere in a list with these filters after a change, or no more in it. */
function mayMove(queryKey: QueryKey, before: Project, after: Project): boolean {
  const filters = queryKey.at(-1);
  const { sort, q, visibility } = isRecord(filters) ? filters : {};
  const isText = before.name !== after.name || before.description !== after.description;
  return (
    (before.archivedAt === null) !== (after.archivedAt === null) ||
    (q !== undefined && (isText || before.slug !== after.slug)) ||
    (visibility !== undefined && before.visibility !== after.visibility) ||
    (typeof sort === "string" && sort.endsWith("updatedAt")) ||
    (typeof sort === "string" && sort.endsWith("name") && before.name !== after.name)
  );
}

type MemberEvent = Extract<LiveEvent, { name: "member:added" | "member:updated" | "member:removed" }>;

function changeMember(client: QueryClient, { name, payload }: MemberEvent, myId: string | undefined): void {
  const { projectId } = payload;
  const members = keys.members.of(projectId);
  const userId = name === "member:removed" ? payload.userId : payload.user?.id;
  if (name === "member:removed") {
    changeItems<Member>(client, members, (member) => (member.user?.id === userId ? null : member));
  } else if (name === "member:updated") {
    changeItems<Member>(client, members, (member) =>
      member.user?.id === userId && !isOlder(payload, member)
        ? { ...member, role: payload.role, joinedAt: payload.joinedAt, etag: payload.etag }
        : member,
    );
  } else {
    // The event has no address, which the list may show.
    void client.invalidateQueries({ queryKey: members });
  }
  if (userId === myId) {
    // What one sees of the project, and may do there, is another now.
    if (name === "member:removed") {
      forgetProject(client, projectId);
    }
    reloadProject(client, projectId);
    void client.invalidateQueries({ queryKey: keys.projects.lists });
  } else if (name !== "member:updated") {
    // There is one more or less.
    reloadDetails(client, projectId);
    void client.invalidateQueries({ queryKey: keys.projects.lists, refetchType: "none" });
  }
}

/** Loads a project again, and all that belongs to it. */
function reloadProject(client: QueryClient, projectId: string): void {
  reloadDetails(client, projectId);
  void client.invalidateQueries({ queryKey: keys.members.of(projectId) });
  void client.invalidateQueries({ queryKey: keys.projectInvitations.of(projectId) });
}

/** The project may be known by its id and by its slug. */
function reloadDetails(client: QueryClient, projectId: string): void {
  void client.invalidateQueries({
    queryKey: keys.projects.details,
    predicate: ({ queryKey }) => client.getQueryData<Project>(queryKey)?.id === projectId,
  });
}

function isListed(client: QueryClient, projectId: string): boolean {
  return client
    .getQueriesData<Pages<Project>>({ queryKey: keys.projects.lists })
    .some(([, list]) => list?.pages.some(({ items }) => items.some(({ id }) => id === projectId)));
}

/** Whether news are older than what is known: an `etag` begins with the version. */
function isOlder(news: Pick<User, "etag">, known: Pick<User, "etag">): boolean {
  return versionOf(news.etag) < versionOf(known.etag);
}

function versionOf(etag: string): number {
  return Number.parseInt(etag, 10);
}
