import type { Invitation, Member, Project, User } from "./schema.js";

/**
 * What live changes bring: the resource as strangers see it, so that a project's `myRole` and the addresses of
 * members are null.
 */
export interface LivePayloads {
  /** One has made a project, here or elsewhere. */
  "project:created": Project;
  "project:updated": Project;
  "project:deleted": { readonly id: string };
  "member:added": Member;
  "member:updated": Member;
  "member:removed": { readonly projectId: string; readonly userId: string };
  /** One was invited. */
  "invitation:created": Invitation;
  "invitation:updated": Invitation;
  /** One has changed oneself. */
  "user:updated": User;
  /** A session of one's own has ended. */
  "session:revoked": { readonly id: string };
  /** Something may have been missed: whoever keeps what was loaded must load it again. */
  resync: Readonly<Record<string, never>>;
}

export type LiveEventName = keyof LivePayloads;

/** A live change; `name` says what `payload` is. */
export type LiveEvent = {
  [N in LiveEventName]: { readonly name: N; readonly payload: LivePayloads[N] };
}[LiveEventName];

/** What the gateway sends, as Socket.IO types it. */
export type ServerEvents = { [N in LiveEventName]: (payload: LivePayloads[N]) => void };

/** How the gateway answers. */
export type Acknowledgement =
  | { readonly success: true }
  | { readonly success: false; readonly error: { readonly code: string; readonly message: string } };

type Acknowledge = (answer: Acknowledgement) => void;

/** What is sent to the gateway. */
export interface ClientEvents {
  "join:project": (id: string, acknowledge: Acknowledge) => void;
  "leave:project": (id: string, acknowledge: Acknowledge) => void;
  "auth:renew": (renewal: { token: string }, acknowledge: Acknowledge) => void;
}
