import { useAuth, useLiveStatus, useMe, useResendVerification } from "@portico/sdk/react";
import { useEffect, useEffectEvent } from "react";
import { toast } from "sonner";
import { useAction } from "@/lib/use-action";
import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";

/** Says that the email is not verified yet, for as long as it is not, and sends the link again. */
export function VerifyEmailHint({ why }: { why: string }) {
  const { user } = useAuth();
  useLookAgain(user?.emailVerified === false);
  const { mutateAsync: resend } = useResendVerification();
  const { run, pending } = useAction(async () => {
    await resend();
    toast.success("A new link is on its way");
  });
  if (user === null || user.emailVerified) {
    return null;
  }
  return (
    <Alert
      tone="warning"
      action={
        <Button
          size="sm"
          pending={pending}
          onClick={() => {
            run();
          }}
        >
          Send a new link
        </Button>
      }
    >
      <p className="font-medium">Verify your email</p>
      <p>
        We sent a link to {user.email}. {why}
      </p>
    </Alert>
  );
}

/** Asks whether it was verified, once changes arrive by themselves: it may have been before that. */
function useLookAgain(isWaiting: boolean): void {
  const { refetch } = useMe({ enabled: false });
  const status = useLiveStatus();
  const look = useEffectEvent(() => {
    if (isWaiting) {
      void refetch();
    }
  });
  useEffect(() => {
    if (status === "connected") {
      look();
    }
  }, [status]);
}
