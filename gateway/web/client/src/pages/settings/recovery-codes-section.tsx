import { useFactors, useRenewRecoveryCodes } from "@portico/sdk/react";
import { useState } from "react";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { useConfirmed } from "./reauthentication";
import { RecoveryCodesDialog } from "./recovery-codes-dialog";

/** What helps whoever lost the phone or the passkeys. Shown to those who have something to lose. */
export function RecoveryCodesSection() {
  const factors = useFactors();
  const renew = useRenewRecoveryCodes();
  const confirmed = useConfirmed();
  const [asking, setAsking] = useState(false);
  const [codes, setCodes] = useState<readonly string[] | null>(null);

  if (factors.data === undefined || (!factors.data.totp && factors.data.passkeys === 0)) {
    return null;
  }
  const left = factors.data.recoveryCodesLeft;
  return (
    <Section
      title="Recovery codes"
      description="They stand in for your authenticator app or passkey when you sign in without it. Each works once."
    >
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Badge tone={left > 2 ? "success" : "warning"}>{left === 0 ? "None left" : `${left} left`}</Badge>
        <Button
          onClick={() => {
            setAsking(true);
          }}
        >
          Make new recovery codes
        </Button>
      </div>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        tone="primary"
        title="Make new recovery codes?"
        description="You get ten new ones. Those that you have now stop working."
        action="Make new codes"
        onConfirm={async () => {
          const { recoveryCodes } = await confirmed(() => renew.mutateAsync());
          setCodes(recoveryCodes);
        }}
      />
      <RecoveryCodesDialog
        title="New recovery codes"
        codes={codes}
        onClose={() => {
          setCodes(null);
        }}
      />
    </Section>
  );
}
