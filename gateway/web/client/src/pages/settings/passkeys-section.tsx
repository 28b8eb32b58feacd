import { arePasskeysSupported, type Passkey } from "@portico/sdk";
import { usePasskeys, useRegisterPasskey, useRemovePasskey, useRenamePasskey } from "@portico/sdk/react";
import { KeyRound, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { passkeyFailure } from "@/pages/auth/passkeys";
import { Button, IconButton } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { Failed, Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { NameDialog } from "./name-dialog";
import { useConfirmed } from "./reauthentication";

/** Keys on devices, by which one signs in without a password. */
export function PasskeysSection() {
  const passkeys = usePasskeys();
  const register = useRegisterPasskey();
  const confirmed = useConfirmed();
  const [adding, setAdding] = useState(false);

  const add = async (name: string) => {
    try {
      await confirmed(() => register.mutateAsync({ name }));
    } catch (error) {
      throw passkeyFailure(error);
    }
    toast.success("Passkey added.");
  };
  return (
    <Section
      title="Passkeys"
      description="Sign in by your fingerprint, face or screen lock, without a password. Once you have one, signing in by password asks for it, too."
      footer={
        arePasskeysSupported() ? (
          <Button
            size="sm"
            onClick={() => {
              setAdding(true);
            }}
          >
            Add passkey
          </Button>
        ) : (
          "This browser does not know passkeys."
        )
      }
    >
      {passkeys.isPending ? (
        <Skeleton className="h-10 w-full" />
      ) : passkeys.isError ? (
        <Failed error={passkeys.error} onRetry={() => void passkeys.refetch()} />
      ) : passkeys.data.length === 0 ? (
        <p className="flex min-h-10 items-center text-muted">You have no passkeys yet.</p>
      ) : (
        <ul className="-my-3 divide-y divide-line">
          {passkeys.data.map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} />
          ))}
        </ul>
      )}
      <NameDialog
        open={adding}
        onOpenChange={setAdding}
        title="Add a passkey"
        description="Give it a name by which you know it again, such as the device that it is on. Then your browser asks for it."
        action="Add passkey"
        onSubmit={add}
      />
    </Section>
  );
}

function PasskeyRow({ passkey }: { passkey: Passkey }) {
  const rename = useRenamePasskey();
  const remove = useRemovePasskey();
  const confirmed = useConfirmed();
  const [open, setOpen] = useState<"rename" | "remove" | null>(null);
  const show = (which: "rename" | "remove") => (isOpen: boolean) => {
    setOpen(isOpen ? which : null);
  };
  return (
    <li className="flex min-h-16 items-center gap-3 py-3">
      <KeyRound aria-hidden className="size-5 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{passkey.name}</p>
        <p className="text-[13px] text-muted">
          Added <Time at={passkey.createdAt} /> · last used <Time at={passkey.lastUsedAt} />
        </p>
      </div>
      <IconButton
        label={`Rename ${passkey.name}`}
        onClick={() => {
          setOpen("rename");
        }}
      >
        <Pencil aria-hidden />
      </IconButton>
      <IconButton
        label={`Remove ${passkey.name}`}
        onClick={() => {
          setOpen("remove");
        }}
      >
        <Trash2 aria-hidden />
      </IconButton>
      <NameDialog
        open={open === "rename"}
        onOpenChange={show("rename")}
        title="Rename passkey"
        action="Save"
        initial={passkey.name}
        onSubmit={(name) => rename.mutateAsync({ id: passkey.id, name })}
      />
      <Confirm
        open={open === "remove"}
        onOpenChange={show("remove")}
        title={`Remove ${passkey.name}?`}
        description="You can no longer sign in with it. Delete it on the device, too."
        action="Remove passkey"
        onConfirm={() => confirmed(() => remove.mutateAsync(passkey.id))}
      />
    </li>
  );
}
