import type { User } from "@portico/sdk";
import { BadgeCheck } from "lucide-react";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { Time } from "@/ui/time";
import { UserMenu } from "./user-menu";

/** The columns of the list; on phones each row is a card instead. */
export const userColumns =
  "grid-cols-[minmax(0,1fr)_7.5rem_6rem_7.5rem_2.5rem] items-center gap-x-3 px-4 py-2";

const statuses = {
  ACTIVE: { tone: "success", name: "Active" },
  DISABLED: { tone: "warning", name: "Disabled" },
  DELETED: { tone: "danger", name: "Deleted" },
} as const;

export function UserRow({ user, isMe }: { user: User; isMe: boolean }) {
  const status = statuses[user.status ?? "ACTIVE"];
  return (
    <li className={`${userColumns} relative grid gap-y-2 max-lg:grid-cols-[auto_auto_1fr] max-lg:py-3`}>
      <div className="flex min-w-0 items-center gap-3 max-lg:col-span-3 max-lg:pr-11">
        <Avatar name={user.name} src={user.avatar} />
        <div className="min-w-0">
          <p className="flex min-w-0 items-center gap-2 font-medium">
            <span className="truncate">{user.name}</span>
            {isMe && <Badge>You</Badge>}
          </p>
          <p className="flex min-w-0 items-center gap-1.5 text-[13px] text-muted">
            <span className="truncate">{user.email}</span>
            {user.emailVerified ? (
              <BadgeCheck role="img" aria-label="verified" className="size-3.5 shrink-0 text-success-text" />
            ) : (
              <span className="shrink-0 ">not verified</span>
            )}
          </p>
        </div>
      </div>
      <div>
        <Badge tone={user.role === "ADMIN" ? "accent" : "neutral"}>
          {user.role === "ADMIN" ? "Administrator" : "Member"}
        </Badge>
      </div>
      <div>
        <Badge tone={status.tone}>{status.name}</Badge>
      </div>
      <div className="truncate text-[13px] text-muted max-lg:text-right">
        <span className="sr-only">Created </span>
        <Time at={user.createdAt} />
      </div>
      <div className="max-lg:absolute max-lg:top-2 max-lg:right-2">
        <UserMenu user={user} isMe={isMe} />
      </div>
    </li>
  );
}
