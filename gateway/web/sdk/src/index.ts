export { createPortico, type Portico, type PorticoOptions } from "./portico.js";
export {
  isNetworkError,
  isPorticoError,
  NetworkError,
  PorticoError,
  type ErrorCode,
  type ErrorDetails,
  type KnownErrorCode,
} from "./errors.js";
export type { CallOptions, ChangeOptions, CreateOptions } from "./input.js";
export type { Live, LiveStatus } from "./live.js";
export type { LiveEvent, LiveEventName, LivePayloads } from "./live-events.js";
export type { Observable } from "./observable.js";
export type { Page } from "./pages.js";
export { arePasskeysSupported, canOfferPasskeys, isPasskeyCancelled } from "./passkeys.js";
export type { SessionState, SignedOutReason } from "./session.js";

export type { AuditLogExportQuery, AuditLogQuery, MailJobsQuery } from "./resources/admin.js";
export type { ApiKeysQuery, NewApiKey, Scope } from "./resources/api-keys.js";
export type {
  ChallengeAnswer,
  Credentials,
  MfaMethod,
  Reauthentication,
  RegisterResult,
  Registration,
  SignInResult,
} from "./resources/auth.js";
export type { InvitationsQuery } from "./resources/invitations.js";
export type { MembersQuery } from "./resources/members.js";
export type { PasskeysQuery } from "./resources/own-passkeys.js";
export type { SessionsQuery } from "./resources/own-sessions.js";
export type { PasswordStrength } from "./resources/password.js";
export type { ProjectInvitationsQuery } from "./resources/project-invitations.js";
export type { NewProject, ProjectChange, ProjectsQuery } from "./resources/projects.js";
export type { ServiceAccountKeysQuery, ServiceAccountsQuery } from "./resources/service-accounts.js";
export type { NewUser, SignInsQuery, UserChange, UsersQuery } from "./resources/users.js";

export type {
  Actor,
  ActorType,
  ApiKey,
  AuditEntry,
  AuditEntryTarget,
  CreateApiKeyResponse as CreatedApiKey,
  CreateInvitationRequest as NewInvitation,
  CreateMemberRequest as NewMember,
  ErrorDetail,
  Factors,
  Invitation,
  InvitationInviter,
  InvitationStatus,
  MailJob,
  MailJobStatus,
  Member,
  MemberRole,
  PageInfo,
  Passkey,
  Person,
  Project,
  ProjectVisibility,
  RecoveryCodes,
  ServiceAccount,
  Session,
  SignIn,
  TotpSecret,
  User,
  UserExport,
  UserRole,
  UserStatus,
} from "./schema.js";
