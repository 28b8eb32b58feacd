import type { SignIn } from "@portico/sdk";
import { useSignIns } from "@portico/sdk/react";
import { deviceOf } from "@/lib/device";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";

const methods: Record<string, string> = {
  PASSWORD: "Password",
  PASSWORD_AND_TOTP: "Password and authenticator app",
  PASSWORD_AND_RECOVERY_CODE: "Password and recovery code",
  PASSWORD_AND_PASSKEY: "Password and passkey",
  PASSKEY: "Passkey",
};

const reasons: Record<string, string> = {
  WRONG_CREDENTIALS: "Refused",
  ACCOUNT_DISABLED: "Account disabled",
  EMAIL_NOT_VERIFIED: "Email not verified",
};

/** Who signed in as oneself lately, and who tried. */
export function SignInsSection() {
  const signIns = useSignIns();
  return (
    <Section
      title="Recent sign-ins"
      description="Also those that failed. Of many failures in a row, the first and those that had to wait are listed."
    >
      {signIns.isPending ? (
        <SkeletonRows count={3}>
          <div className="flex h-14 items-center">
            <Skeleton className="h-4 w-56" />
          </div>
        </SkeletonRows>
      ) : signIns.isError ? (
        <Failed error={signIns.error} onRetry={() => void signIns.refetch()} />
      ) : signIns.data.items.length === 0 ? (
        <p className="text-muted">None yet.</p>
      ) : (
        <ul className="-my-3 divide-y divide-line">
          {signIns.data.items.map((signIn) => (
            <SignInRow key={signIn.id} signIn={signIn} />
          ))}
        </ul>
      )}
      {signIns.hasNextPage && (
        <div>
          <Button size="sm" pending={signIns.isFetchingNextPage} onClick={() => void signIns.fetchNextPage()}>
            Show earlier ones
          </Button>
        </div>
      )}
    </Section>
  );
}

function SignInRow({ signIn }: { signIn: SignIn }) {
  return (
    <li className="flex min-h-14 items-center gap-3 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="font-medium">{methods[signIn.method] ?? signIn.method}</p>
        <p className="text-[13px] text-muted">
          {deviceOf(signIn.userAgent)} · {signIn.ip ?? "unknown address"} · <Time at={signIn.createdAt} />
        </p>
      </div>
      {signIn.succeeded ? (
        <Badge tone="success">Signed in</Badge>
      ) : (
        <Badge tone="danger">{reasons[signIn.reason ?? ""] ?? "Failed"}</Badge>
      )}
    </li>
  );
}
