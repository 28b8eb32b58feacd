import type { SignIn, User } from "@portico/sdk";
import { useSignIns } from "@portico/sdk/react";
import { deviceOf } from "@/lib/device";
import { Badge } from "@/ui/badge";
import { Dialog } from "@/ui/dialog";
import { LoadMore } from "@/ui/load-more";
import { Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";
import { methodInWords } from "./sentence";

const reasons: Record<string, string> = {
  WRONG_CREDENTIALS: "Wrong password or code",
  ACCOUNT_DISABLED: "The account was disabled",
  EMAIL_NOT_VERIFIED: "The email was not verified",
};

/** When, from where and by what somebody signed in, or somebody tried to. */
export function SignInHistory({ user, onClose }: { user: User; onClose: () => void }) {
  const signIns = useSignIns(user.id);
  const found = signIns.data?.items ?? [];
  return (
    <Dialog open onOpenChange={onClose} title={`Sign-ins of ${user.name}`}>
      {signIns.isPending ? (
        <SkeletonRows count={4}>
          <Skeleton className="my-3 h-9 w-full" />
        </SkeletonRows>
      ) : signIns.data === undefined ? (
        <Failed error={signIns.error} onRetry={() => void signIns.refetch()} />
      ) : found.length === 0 ? (
        <p className="py-6 text-center text-muted">{user.name} has not signed in yet.</p>
      ) : (
        <div className="-mx-5 overflow-y-auto px-5" tabIndex={0} role="region" aria-label="Sign-ins">
          <ul className="divide-y divide-line">
            {found.map((signIn) => (
              <SignInRow key={signIn.id} signIn={signIn} />
            ))}
          </ul>
          {signIns.hasNextPage && (
            <LoadMore
              onLoad={signIns.fetchNextPage}
              pending={signIns.isFetchingNextPage}
              failed={signIns.isFetchNextPageError}
            />
          )}
        </div>
      )}
    </Dialog>
  );
}

function SignInRow({ signIn }: { signIn: SignIn }) {
  return (
    <li className="flex items-start justify-between gap-3 py-2.5">
      <div className="min-w-0">
        <p className="truncate font-medium">
          {deviceOf(signIn.userAgent)}
          {signIn.ip !== null && <span className="font-normal text-muted"> from {signIn.ip}</span>}
        </p>
        <p className="text-[13px] text-muted">
          <Time at={signIn.createdAt} /> with {methodInWords(signIn.method)}
        </p>
      </div>
      {signIn.succeeded ? (
        <Badge tone="success">Signed in</Badge>
      ) : (
        <Badge tone="danger">{reasons[signIn.reason ?? ""] ?? "Refused"}</Badge>
      )}
    </li>
  );
}
