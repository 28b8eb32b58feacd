import { useAuth, useResendVerification } from "@portico/sdk/react";
import { toast } from "sonner";
import { useAction } from "@/lib/use-action";
import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";

/** Says that the email is not verified yet, for as long as it is not, and sends the link again. */
export function VerifyEmailHint({ why }: { why: string }) {
  const { user } = useAuth();
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
