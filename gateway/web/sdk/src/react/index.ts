export { PorticoProvider, useAuth, usePortico, type PorticoProviderProps } from "./context.js";
export { keys, type Filters } from "./keys.js";
export { useLiveStatus, useLiveUpdates } from "./live.js";
export type { ListData, ListResult, QueryOptions } from "./use-list.js";

export {
  useApiKeys,
  useBeginTotp,
  useConfirmTotp,
  useCreateApiKey,
  useDisableTotp,
  useFactors,
  useLogoutAll,
  useMe,
  usePasskeys,
  useRegisterPasskey,
  useRemovePasskey,
  useRenamePasskey,
  useRenewRecoveryCodes,
  useResendVerification,
  useRevokeApiKey,
  useRevokeSession,
  useSessions,
} from "./account.js";
export { useAuditLog, useMailJobs, useRetryMailJob } from "./admin.js";
export {
  useAcceptInvitation,
  useCreateInvitation,
  useDeclineInvitation,
  useMyInvitations,
  useProjectInvitations,
  useResendInvitation,
  useRevokeInvitation,
  type InvitationOf,
} from "./invitations.js";
export { useAddMember, useMembers, useRemoveMember, useUpdateMember, type MemberUpdate } from "./members.js";
export {
  useArchiveProject,
  useCreateProject,
  useDeleteProject,
  useProject,
  useProjects,
  useTransferProject,
  useUnarchiveProject,
  useUpdateProject,
  type ProjectUpdate,
} from "./projects.js";
export {
  useCreateUser,
  useDeleteUser,
  useRestoreUser,
  useSignIns,
  useUpdateUser,
  useUser,
  useUsers,
  type UserRemoval,
  type UserUpdate,
} from "./users.js";
