import { Download } from "lucide-react";
import { download } from "@/lib/download";
import { Alert } from "@/ui/alert";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Dialog, DialogButtons } from "@/ui/dialog";

interface RecoveryCodesDialogProps {
  title: string;
  codes: readonly string[] | null;
  onClose: () => void;
}

/** Shows fresh recovery codes, this once. It closes by its button alone, so that no slip loses them. */
export function RecoveryCodesDialog({ title, codes, onClose }: RecoveryCodesDialogProps) {
  const lines = codes?.join("\n") ?? "";
  return (
    <Dialog
      open={codes !== null}
      onOpenChange={onClose}
      persistent
      title={title}
      description="Keep these recovery codes where you find them without your phone. Each signs you in once."
    >
      <Alert tone="warning">They are shown only now. Codes that you had before work no more.</Alert>
      <ul className="grid grid-cols-2 gap-x-6 gap-y-1 rounded-md border border-line bg-canvas p-4 font-mono text-[13px]">
        {codes?.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        <CopyButton text={lines} label="Copy codes" />
        <Button
          onClick={() => {
            download("portico-recovery-codes.txt", "text/plain", `${lines}\n`);
          }}
        >
          <Download aria-hidden /> Download
        </Button>
      </div>
      <DialogButtons>
        <Button variant="primary" onClick={onClose}>
          I have kept them
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
