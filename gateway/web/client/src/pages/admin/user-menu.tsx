import type { User } from "@portico/sdk";
import { useRestoreUser } from "@portico/sdk/react";
import { useNavigate } from "@tanstack/react-router";
import {
  Ellipsis,
  History,
  LogOut,
  RotateCcw,
  ScrollText,
  Settings,
  ShieldMinus,
  ShieldPlus,
  ShieldX,
  Trash2,
  UserCheck,
  UserX,
} from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { useAction } from "@/lib/use-action";
import { IconButton } from "@/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { DeleteUser } from "./delete-user";
import { SignInHistory } from "./sign-in-history";
import { UserChange, type Change } from "./user-change";

type Opened = Change | "history" | "delete" | null;

/** What an administrator can do about a person. */
export function UserMenu({ user, isMe }: { user: User; isMe: boolean }) {
  const navigate = useNavigate();
  const [opened, setOpened] = useState<Opened>(null);
  const restoring = useRestoreUser();
  const restore = useAction(async () => {
    await restoring.mutateAsync({ id: user.id });
    toast.success(`The account of ${user.name} is back. Its memberships in projects are not.`);
  });
  const open = (what: Opened) => () => {
    setOpened(what);
  };
  const close = () => {
    setOpened(null);
  };
  const isDeleted = user.status === "DELETED";
  return (
    <>
      <Menu
        trigger={
          <IconButton label={`Actions for ${user.name}`}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        <MenuItem onSelect={open("history")}>
          <History aria-hidden /> Sign-in history
        </MenuItem>
        <MenuItem onSelect={() => void navigate({ to: "/admin/audit-log", search: { target: user.id } })}>
          <ScrollText aria-hidden /> What was done to the account
        </MenuItem>
        <MenuSeparator />
        {isMe ? (
          <MenuItem onSelect={() => void navigate({ to: "/settings" })}>
            <Settings aria-hidden /> This is you: go to your settings
          </MenuItem>
        ) : isDeleted ? (
          <MenuItem onSelect={restore.run} disabled={restore.pending}>
            <RotateCcw aria-hidden /> Restore account
          </MenuItem>
        ) : (
          <>
            {user.role === "ADMIN" ? (
              <MenuItem onSelect={open("demote")}>
                <ShieldMinus aria-hidden /> Make a member
              </MenuItem>
            ) : (
              <MenuItem onSelect={open("promote")}>
                <ShieldPlus aria-hidden /> Make an administrator
              </MenuItem>
            )}
            <MenuItem onSelect={open("endSessions")}>
              <LogOut aria-hidden /> End all sessions
            </MenuItem>
            <MenuItem onSelect={open("resetMfa")}>
              <ShieldX aria-hidden /> Reset two-factor sign-in
            </MenuItem>
            <MenuSeparator />
            {user.status === "DISABLED" ? (
              <MenuItem onSelect={open("enable")}>
                <UserCheck aria-hidden /> Enable account
              </MenuItem>
            ) : (
              <MenuItem danger onSelect={open("disable")}>
                <UserX aria-hidden /> Disable account
              </MenuItem>
            )}
            <MenuItem danger onSelect={open("delete")}>
              <Trash2 aria-hidden /> Delete account
            </MenuItem>
          </>
        )}
      </Menu>
      {opened === "history" ? (
        <SignInHistory user={user} onClose={close} />
      ) : opened === "delete" ? (
        <DeleteUser user={user} onClose={close} />
      ) : (
        opened !== null && <UserChange user={user} change={opened} onClose={close} />
      )}
    </>
  );
}
