import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Dialog, DialogButtons } from "@/ui/dialog";

/** Shows the secret of a new key, this once. */
export function ApiKeySecretDialog({ secret, onClose }: { secret: string | null; onClose: () => void }) {
  return (
    <Dialog
      open={secret !== null}
      onOpenChange={onClose}
      persistent
      title="Your new API key"
      description="Programs send it as a bearer token. Treat it like a password."
    >
      <Alert tone="warning">It is shown only now. Copy it to where it is needed.</Alert>
      <code
        aria-label="API key"
        className="rounded-md border border-line bg-canvas px-3 py-2 font-mono text-[13px] break-all"
      >
        {secret}
      </code>
      <div>
        <CopyButton text={secret ?? ""} label="Copy key" />
      </div>
      <DialogButtons>
        <Button variant="primary" onClick={onClose}>
          I have kept it
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
