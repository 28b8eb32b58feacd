import type { Member, Project } from "@portico/sdk";
import { LogOut, UserMinus } from "lucide-react";
import { useState } from "react";
import { cx } from "@/lib/cx";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { IconButton } from "@/ui/button";
import { Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { markable, useChanged } from "./changed";
import { LeaveProject, RemoveMember } from "./leave";
import { RoleOf } from "./role-of";
import { handles } from "./roles";

/** On phones the role stands below the name, else beside it. */
const frame =
  "grid min-h-16 grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-3 gap-y-2 px-4 py-3 lg:flex lg:gap-x-4";

interface MemberRowProps {
  member: Member;
  project: Project;
  isMe: boolean;
  isOnlyOwner: boolean;
  arrived: boolean;
}

/** Somebody in a project, with what the one who looks may do about it. */
export function MemberRow({ member, project, isMe, isOnlyOwner, arrived }: MemberRowProps) {
  const [asks, setAsks] = useState(false);
  const changed = useChanged(member.role);
  const name = member.user?.name ?? "Somebody";
  const email = member.user?.email ?? null;
  return (
    <li data-changed={arrived || changed} className={cx(frame, markable)}>
      <Avatar name={name} src={member.user?.avatar ?? null} />
      <div className="min-w-0 flex-1">
        <p className="flex min-w-0 items-center gap-2 font-medium">
          <span className="truncate">{name}</span>
          {isMe && <Badge>You</Badge>}
        </p>
        {email !== null && <p className="truncate text-[13px] text-muted">{email}</p>}
      </div>
      <div className="order-last col-span-2 col-start-2 flex flex-row-reverse items-center justify-end gap-3 lg:contents">
        <p className="text-[13px] text-muted">
          {member.joinedAt !== null && (
            <>
              joined <Time at={member.joinedAt} />
            </>
          )}
        </p>
        <div className="lg:w-32">
          <RoleOf member={member} name={name} project={project} isMe={isMe} />
        </div>
      </div>
      <div className="flex w-9 justify-end pointer-coarse:w-10">
        {isMe ? (
          <IconButton
            label="Leave project"
            onClick={() => {
              setAsks(true);
            }}
          >
            <LogOut aria-hidden />
          </IconButton>
        ) : (
          handles(project, member.role) && (
            <IconButton
              label={`Remove ${name}`}
              onClick={() => {
                setAsks(true);
              }}
            >
              <UserMinus aria-hidden />
            </IconButton>
          )
        )}
      </div>
      {isMe ? (
        <LeaveProject open={asks} onOpenChange={setAsks} isOnlyOwner={isOnlyOwner} project={project} />
      ) : (
        <RemoveMember open={asks} onOpenChange={setAsks} member={member} name={name} project={project} />
      )}
    </li>
  );
}

/** Where a member will be, in its size. */
export function MemberRowSkeleton() {
  return (
    <div className={frame}>
      <Skeleton className="size-8 rounded-full" />
      <div className="min-w-0 flex-1">
        <div className="flex h-5 items-center">
          <Skeleton className="h-3.5 w-32 max-w-full" />
        </div>
        <div className="flex h-5 items-center">
          <Skeleton className="h-3 w-48 max-w-full" />
        </div>
      </div>
      <Skeleton className="col-span-2 col-start-2 h-3 w-20" />
    </div>
  );
}
