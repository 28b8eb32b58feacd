/** What the roles are called, and what one may do in a project: the server decides, this only shows it. */
import type { Member, MemberRole, Project } from "@portico/sdk";

/** All roles, the one that may do most first. */
export const roles: readonly MemberRole[] = ["OWNER", "ADMIN", "MEMBER", "VIEWER"];

export const roleNames: Record<MemberRole, string> = {
  OWNER: "Owner",
  ADMIN: "Admin",
  MEMBER: "Member",
  VIEWER: "Viewer",
};

export const roleMeanings: Record<MemberRole, string> = {
  OWNER: "can do everything, also delete the project and hand it over",
  ADMIN: "manages the project and its members",
  MEMBER: "works in the project",
  VIEWER: "reads the project",
};

type Standing = Pick<Project, "myRole" | "archivedAt">;

/** May see the settings and the invitations, also of an archived project. */
export function manages({ myRole }: Standing): boolean {
  return myRole === "OWNER" || myRole === "ADMIN";
}

/** May change the project, its members and its invitations now. */
export function edits(project: Standing): boolean {
  return manages(project) && project.archivedAt === null;
}

export function owns({ myRole }: Standing): boolean {
  return myRole === "OWNER";
}

/** May touch a member of this role, and make one. Only an owner touches owners. */
export function handles({ myRole }: Standing, role: Member["role"]): boolean {
  return myRole === "OWNER" || (myRole === "ADMIN" && role !== "OWNER");
}

export function roleFrom(value: string): MemberRole | undefined {
  return roles.find((role) => role === value);
}

/** "an owner", "a member" */
export function asOne(role: MemberRole): string {
  return `${role === "OWNER" || role === "ADMIN" ? "an" : "a"} ${roleNames[role].toLowerCase()}`;
}

/** The beginning of a sentence. */
export function startOf(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The roles that one may give to others. */
export function rolesToGive(project: Standing): MemberRole[] {
  return roles.filter((role) => handles(project, role));
}
