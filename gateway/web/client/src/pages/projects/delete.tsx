import type { Project } from "@portico/sdk";
import { useDeleteProject } from "@portico/sdk/react";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { useShownProject } from "./project-context";

/** Deletes the project, once its address was typed. */
export function DeleteProject({ project }: { project: Project }) {
  const { depart } = useShownProject();
  const { mutateAsync: remove } = useDeleteProject();
  const [asks, setAsks] = useState(false);
  return (
    <Section
      tone="danger"
      title="Delete"
      description="Deletes the project with all it holds, for everybody in it. There is no way back."
      footer={
        <>
          <span />
          <Button
            variant="danger"
            onClick={() => {
              setAsks(true);
            }}
          >
            <Trash2 aria-hidden /> Delete project
          </Button>
        </>
      }
    >
      <Confirm
        open={asks}
        onOpenChange={setAsks}
        title={`Delete ${project.name}?`}
        description={
          project.memberCount === 1
            ? "It is gone for good."
            : `It is gone for good, for all ${project.memberCount} members.`
        }
        typed={project.slug}
        action="Delete project"
        onConfirm={() => depart(() => remove({ id: project.id }), `${project.name} was deleted`)}
      />
    </Section>
  );
}
