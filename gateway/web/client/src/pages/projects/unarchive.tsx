import type { Project } from "@portico/sdk";
import { useUnarchiveProject } from "@portico/sdk/react";
import { ArchiveRestore } from "lucide-react";
import { toast } from "sonner";
import { useAction } from "@/lib/use-action";
import { Button } from "@/ui/button";

/** Makes an archived project one that can be changed again. */
export function Unarchive({ project, size }: { project: Project; size?: "sm" | undefined }) {
  const { mutateAsync: unarchive } = useUnarchiveProject();
  const { run, pending } = useAction(async () => {
    await unarchive(project.id);
    toast.success(`${project.name} can be changed again`);
  });
  return (
    <Button
      size={size}
      pending={pending}
      onClick={() => {
        run();
      }}
    >
      <ArchiveRestore aria-hidden /> Unarchive
    </Button>
  );
}
