import type { Project } from "@portico/sdk";
import { useArchiveProject } from "@portico/sdk/react";
import { Archive, ShieldX } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { Button, ButtonLink } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { Empty } from "@/ui/states";
import { DeleteProject } from "./delete";
import { General } from "./general";
import { useShownProject } from "./project-context";
import { manages, owns } from "./roles";
import { Transfer } from "./transfer";
import { Unarchive } from "./unarchive";

/** What owners and admins decide about a project. */
export function ProjectSettings() {
  const { project } = useShownProject();
  if (!manages(project)) {
    return (
      <Empty
        Icon={ShieldX}
        title="Only owners and admins change the settings"
        action={
          <ButtonLink to="/projects/$slug" params={{ slug: project.slug }}>
            Back to the overview
          </ButtonLink>
        }
      >
        Ask one of them if something should be different.
      </Empty>
    );
  }
  return (
    <div className="flex max-w-2xl flex-col gap-4">
      <General key={project.id} project={project} />
      <Archiving project={project} />
      {owns(project) && (
        <>
          <Transfer project={project} />
          <DeleteProject project={project} />
        </>
      )}
    </div>
  );
}

function Archiving({ project }: { project: Project }) {
  const { mutateAsync: archive } = useArchiveProject();
  const [asks, setAsks] = useState(false);
  const isArchived = project.archivedAt !== null;
  return (
    <Section
      title="Archive"
      description={
        isArchived
          ? "The project is read-only. Unarchive it to change it again."
          : "An archived project can be read, but not changed, and is left out of the list. It can be unarchived at any time."
      }
      footer={
        <>
          <span />
          {isArchived ? (
            <Unarchive project={project} />
          ) : (
            <Button
              onClick={() => {
                setAsks(true);
              }}
            >
              <Archive aria-hidden /> Archive project
            </Button>
          )}
        </>
      }
    >
      <Confirm
        open={asks}
        onOpenChange={setAsks}
        tone="primary"
        title={`Archive ${project.name}?`}
        description="Nobody can change it until it is unarchived."
        action="Archive project"
        onConfirm={async () => {
          await archive(project.id);
          toast.success(`${project.name} was archived`);
        }}
      />
    </Section>
  );
}
