import type { QueryKey } from "@tanstack/react-query";
import { isRecord } from "../errors.js";
import type { InvitationsQuery } from "../resources/invitations.js";
import type { ProjectInvitationsQuery } from "../resources/project-invitations.js";
import type { CreateInvitationRequest, Invitation, InvitationStatus } from "../schema.js";
import { changeItems } from "./cache.js";
import { usePortico } from "./context.js";
import { keys, type Filters } from "./keys.js";
import { useChange } from "./use-change.js";
import { useList, type ListResult, type QueryOptions } from "./use-list.js";

/** Who was invited to a project. */
export function useProjectInvitations(
  projectId: string,
  filters: Filters<ProjectInvitationsQuery> = {},
  options: QueryOptions = {},
): ListResult<Invitation> {
  const { projects } = usePortico();
  return useList(
    keys.projectInvitations.list(projectId, filters),
    (cursor, call) => projects.invitations.list(projectId, { ...filters, cursor }, call),
    options,
  );
}

export function useCreateInvitation() {
  return useChange({
    run: ({ projects }, { projectId, ...invitation }: { projectId: string } & CreateInvitationRequest) =>
      projects.invitations.create(projectId, invitation),
    touches: ({ projectId }) => [keys.projectInvitations.of(projectId)],
  });
}

/** An invitation to a project. */
export interface InvitationOf {
  projectId: string;
  id: string;
}

/** Shown at once, and taken back if it fails. */
export function useRevokeInvitation() {
  return useChange({
    run: ({ projects }, { projectId, id }: InvitationOf) => projects.invitations.revoke(projectId, id),
    touches: ({ projectId }) => [keys.projectInvitations.of(projectId)],
    guess: (client, { projectId, id }) => {
      changeItems<Invitation>(client, keys.projectInvitations.of(projectId), (invitation, key) =>
        invitation.id !== id
          ? invitation
          : mayList(key, "REVOKED")
            ? { ...invitation, status: "REVOKED" }
            : null,
      );
    },
  });
}

export function useResendInvitation() {
  return useChange({
    run: ({ projects }, { projectId, id }: InvitationOf) => projects.invitations.resend(projectId, id),
    touches: ({ projectId }) => [keys.projectInvitations.of(projectId)],
    learn: (client, resent, { projectId, id }) => {
      changeItems<Invitation>(client, keys.projectInvitations.of(projectId), (invitation) =>
        invitation.id === id ? resent : invitation,
      );
    },
  });
}

/** What one is invited to oneself. */
export function useMyInvitations(
  filters: Filters<InvitationsQuery> = {},
  options: QueryOptions = {},
): ListResult<Invitation> {
  const { invitations } = usePortico();
  return useList(
    keys.invitations.list(filters),
    (cursor, call) => invitations.list({ ...filters, cursor }, call),
    options,
  );
}

/** Shown at once, and taken back if it fails. */
export function useAcceptInvitation() {
  return useChange({
    run: ({ invitations }, id: string) => invitations.accept(id),
    touches: () => [keys.invitations.all, keys.projects.all],
    guess: (client, id) => {
      changeItems<Invitation>(client, keys.invitations.all, without(id));
    },
  });
}

/** Shown at once, and taken back if it fails. */
export function useDeclineInvitation() {
  return useChange({
    run: ({ invitations }, id: string) => invitations.decline(id),
    touches: () => [keys.invitations.all],
    guess: (client, id) => {
      changeItems<Invitation>(client, keys.invitations.all, without(id));
    },
  });
}

/** One's own list has those that are pending: an answered one is no more in it. */
function without(id: string): (invitation: Invitation) => Invitation | null {
  return (invitation) => (invitation.id === id ? null : invitation);
}

/** Whether a list with that key has invitations of that status. */
function mayList(queryKey: QueryKey, status: InvitationStatus): boolean {
  const filters = queryKey.at(-1);
  return !isRecord(filters) || filters.status === undefined || filters.status === status;
}
