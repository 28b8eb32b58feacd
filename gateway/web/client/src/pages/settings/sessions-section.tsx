import type { Session } from "@portico/sdk";
import { useLogoutAll, useRevokeSession, useSessions } from "@portico/sdk/react";
import { useNavigate } from "@tanstack/react-router";
import { Monitor, Smartphone } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { deviceOf, isHandheld } from "@/lib/device";
import { messageOf } from "@/lib/messages";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";

/** Where one is signed in, and the way to end that. */
export function SessionsSection() {
  const sessions = useSessions();
  const logoutAll = useLogoutAll();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);

  return (
    <Section
      title="Sessions"
      description="Where you are signed in. End what you do not know, then change your password."
      footer={
        <>
          <span>API keys go on working.</span>
          <Button
            size="sm"
            onClick={() => {
              setAsking(true);
            }}
          >
            Sign out everywhere
          </Button>
        </>
      }
    >
      {sessions.isPending ? (
        <SkeletonRows count={2}>
          <div className="flex h-16 items-center gap-3">
            <Skeleton className="size-5" />
            <Skeleton className="h-4 w-48" />
          </div>
        </SkeletonRows>
      ) : sessions.isError ? (
        <Failed error={sessions.error} onRetry={() => void sessions.refetch()} />
      ) : (
        <ul className="-my-3 divide-y divide-line">
          {sessions.data.map((session) => (
            <SessionRow key={session.id} session={session} />
          ))}
        </ul>
      )}
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Sign out everywhere?"
        description="Every session ends, this one too. You sign in again with your password."
        action="Sign out everywhere"
        onConfirm={async () => {
          await logoutAll.mutateAsync();
          await navigate({ to: "/login" });
        }}
      />
    </Section>
  );
}

function SessionRow({ session }: { session: Session }) {
  const revoke = useRevokeSession();
  const device = deviceOf(session.userAgent);
  const Icon = isHandheld(session.userAgent) ? Smartphone : Monitor;
  const end = async () => {
    try {
      await revoke.mutateAsync(session.id);
      toast.success(`Signed out of ${device}.`);
    } catch (error) {
      toast.error(messageOf(error));
    }
  };
  return (
    <li className="flex min-h-16 items-center gap-3 py-3">
      <Icon aria-hidden className="size-5 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {device}
          {session.current && <Badge tone="success">This device</Badge>}
        </p>
        <p className="text-[13px] text-muted">
          {session.ip ?? "Unknown address"} · last seen <Time at={session.lastSeenAt} />
        </p>
      </div>
      {!session.current && (
        <Button
          size="sm"
          pending={revoke.isPending}
          onClick={() => void end()}
          aria-label={`Sign out of ${device}`}
        >
          Sign out
        </Button>
      )}
    </li>
  );
}
