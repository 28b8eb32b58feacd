import type { ApiKey } from "@portico/sdk";
import { useApiKeys, useRevokeApiKey } from "@portico/sdk/react";
import { KeySquare, Plus } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { PageHeader } from "@/ui/page";
import { Empty, Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { Time } from "@/ui/time";
import { ApiKeySecretDialog } from "./api-key-secret-dialog";
import { CreateApiKey } from "./create-api-key";
import { nameOfScope } from "./scopes";

/** Keys by which programs act for oneself. */
export function ApiKeys() {
  const keys = useApiKeys();
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const create = (
    <Button
      variant="primary"
      onClick={() => {
        setCreating(true);
      }}
    >
      <Plus aria-hidden /> New API key
    </Button>
  );
  return (
    <>
      <PageHeader
        title="API keys"
        description="A program that sends one acts as you, within what the key allows."
        actions={create}
      />
      <Card>
        {keys.isPending ? (
          <SkeletonRows count={3}>
            <div className="flex h-20 flex-col justify-center gap-2 border-b border-line px-5">
              <Skeleton className="h-4 w-40" />
              <Skeleton className="h-3 w-64 max-w-full" />
            </div>
          </SkeletonRows>
        ) : keys.isError ? (
          <Failed error={keys.error} onRetry={() => void keys.refetch()} />
        ) : keys.data.length === 0 ? (
          <Empty Icon={KeySquare} title="No API keys yet">
            Make one for a script or a service that should act for you.
          </Empty>
        ) : (
          <ul className="divide-y divide-line">
            {keys.data.map((apiKey) => (
              <ApiKeyRow key={apiKey.id} apiKey={apiKey} />
            ))}
          </ul>
        )}
      </Card>
      <CreateApiKey open={creating} onOpenChange={setCreating} onCreated={setSecret} />
      <ApiKeySecretDialog
        secret={secret}
        onClose={() => {
          setSecret(null);
        }}
      />
    </>
  );
}

function ApiKeyRow({ apiKey }: { apiKey: ApiKey }) {
  const revoke = useRevokeApiKey();
  const [asking, setAsking] = useState(false);
  const [expired] = useState(() => apiKey.expiresAt !== null && Date.parse(apiKey.expiresAt) <= Date.now());
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-3 px-5 py-4">
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          <span className="min-w-0 break-words">{apiKey.name}</span>
          <code className="font-mono text-[13px] font-normal text-muted">{apiKey.prefix}…</code>
          {expired && <Badge tone="danger">Expired</Badge>}
        </p>
        <ul aria-label="Scopes" className="mt-1.5 flex flex-wrap gap-1">
          {apiKey.scopes.map((scope) => (
            <li key={scope}>
              <Badge>{nameOfScope(scope)}</Badge>
            </li>
          ))}
        </ul>
        <p className="mt-1.5 text-[13px] text-muted">
          Last used <Time at={apiKey.lastUsedAt} /> · {expired ? "expired" : "expires"}{" "}
          <Time at={apiKey.expiresAt} />
        </p>
      </div>
      <Button
        size="sm"
        aria-label={`Revoke ${apiKey.name}`}
        onClick={() => {
          setAsking(true);
        }}
      >
        Revoke
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Revoke ${apiKey.name}?`}
        description="Programs that use it are refused within two seconds. There is no way back."
        action="Revoke key"
        onConfirm={async () => {
          await revoke.mutateAsync(apiKey.id);
          toast.success(`${apiKey.name} is revoked.`);
        }}
      />
    </li>
  );
}
