import type { MembersQuery } from "../resources/members.js";
import type { CreateMemberRequest, Member, UpdateMemberRequest } from "../schema.js";
import { changeItems } from "./cache.js";
import { usePortico } from "./context.js";
import { keys, type Filters } from "./keys.js";
import { useChange } from "./use-change.js";
import { useList, type ListResult, type QueryOptions } from "./use-list.js";

export function useMembers(
  projectId: string,
  filters: Filters<MembersQuery> = {},
  options: QueryOptions = {},
): ListResult<Member> {
  const { projects } = usePortico();
  return useList(
    keys.members.list(projectId, filters),
    (cursor, call) => projects.members.list(projectId, { ...filters, cursor }, call),
    options,
  );
}

export function useAddMember() {
  return useChange({
    run: ({ projects }, { projectId, ...member }: { projectId: string } & CreateMemberRequest) =>
      projects.members.add(projectId, member),
    touches: ({ projectId }) => [keys.members.of(projectId), keys.projects.all],
  });
}

export interface MemberUpdate {
  projectId: string;
  userId: string;
  changes: UpdateMemberRequest;
  /** The `etag` that was seen. */
  etag?: string | undefined;
}

/** Shown at once, and taken back if it fails. */
export function useUpdateMember() {
  return useChange({
    run: ({ projects }, { projectId, userId, changes, etag }: MemberUpdate) =>
      projects.members.update(projectId, userId, changes, { etag }),
    touches: ({ projectId }) => [keys.members.of(projectId), keys.projects.details],
    guess: (client, { projectId, userId, changes }) => {
      changeItems<Member>(client, keys.members.of(projectId), (member) =>
        member.user?.id === userId ? { ...member, role: changes.role ?? member.role } : member,
      );
    },
    learn: (client, updated, { projectId, userId }) => {
      changeItems<Member>(client, keys.members.of(projectId), (member) =>
        member.user?.id === userId ? updated : member,
      );
    },
  });
}

/** Takes somebody out of a project, or oneself. Shown at once, and taken back if it fails. */
export function useRemoveMember() {
  return useChange({
    run: (
      { projects },
      { projectId, userId, etag }: { projectId: string; userId: string; etag?: string | undefined },
    ) => projects.members.remove(projectId, userId, { etag }),
    touches: ({ projectId }) => [keys.members.of(projectId), keys.projects.all],
    guess: (client, { projectId, userId }) => {
      changeItems<Member>(client, keys.members.of(projectId), (member) =>
        member.user?.id === userId ? null : member,
      );
    },
  });
}
