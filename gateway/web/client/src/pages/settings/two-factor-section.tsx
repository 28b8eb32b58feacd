import type { TotpSecret } from "@portico/sdk";
import { useFactors, usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { useAction } from "@/lib/use-action";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Failed, Skeleton } from "@/ui/states";
import { DisableTotp } from "./disable-totp";
import { useConfirmed } from "./reauthentication";
import { RecoveryCodesDialog } from "./recovery-codes-dialog";
import { TotpSetup } from "./totp-setup";

/** An authenticator app that shows codes. */
export function TwoFactorSection() {
  const { auth } = usePortico();
  const confirmed = useConfirmed();
  const factors = useFactors();
  const [secret, setSecret] = useState<TotpSecret | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [disabling, setDisabling] = useState(false);
  const begin = useAction(async () => {
    setSecret(await confirmed(() => auth.mfa.beginTotp()));
  });
  return (
    <Section
      title="Two-factor authentication"
      description="After the password, signing in asks for a code that an authenticator app on your phone shows."
    >
      <div className="flex min-h-10 flex-wrap items-center justify-between gap-3">
        {factors.isPending ? (
          <Skeleton className="h-5 w-12" />
        ) : factors.isError ? (
          <Failed error={factors.error} onRetry={() => void factors.refetch()} />
        ) : factors.data.totp ? (
          <>
            <Badge tone="success">On</Badge>
            <Button
              onClick={() => {
                setDisabling(true);
              }}
            >
              Turn off
            </Button>
          </>
        ) : (
          <>
            <Badge>Off</Badge>
            <Button pending={begin.pending} onClick={begin.run}>
              Set up authenticator app
            </Button>
          </>
        )}
      </div>
      <TotpSetup
        secret={secret}
        onClose={() => {
          setSecret(null);
        }}
        onDone={(fresh) => {
          setSecret(null);
          setCodes(fresh);
        }}
      />
      <RecoveryCodesDialog
        title="Two-factor authentication is on"
        codes={codes}
        onClose={() => {
          setCodes(null);
        }}
      />
      <DisableTotp open={disabling} onOpenChange={setDisabling} />
    </Section>
  );
}
