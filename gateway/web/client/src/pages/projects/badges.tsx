import type { Project } from "@portico/sdk";
import { Archive, Globe } from "lucide-react";
import { Badge } from "@/ui/badge";

/** What is particular about a project: that everybody may see it, that nobody may change it. */
export function ProjectBadges({ project }: { project: Pick<Project, "visibility" | "archivedAt"> }) {
  return (
    <>
      {project.visibility === "PUBLIC" && (
        <Badge>
          <Globe aria-hidden /> Public
        </Badge>
      )}
      {project.archivedAt !== null && (
        <Badge tone="warning">
          <Archive aria-hidden /> Archived
        </Badge>
      )}
    </>
  );
}
