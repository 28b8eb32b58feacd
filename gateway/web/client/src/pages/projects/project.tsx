import { isPorticoError, type Project } from "@portico/sdk";
import { keys, useProject } from "@portico/sdk/react";
import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useMatchRoute, useNavigate, useParams } from "@tanstack/react-router";
import { FolderX } from "lucide-react";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import { ButtonLink } from "@/ui/button";
import { PageHeader } from "@/ui/page";
import { Empty, Failed } from "@/ui/states";
import { ProjectContext } from "./project-context";
import { ProjectHeader, ProjectHeaderSkeleton } from "./project-header";

/** Around the pages of a project: its name, what one is in it, and its tabs. */
export function ProjectPage() {
  const { slug } = useParams({ from: "/app/projects/$slug" });
  const navigate = useNavigate();
  const query = useProject(slug);
  const project = query.data;
  const [departing, setDeparting] = useState(false);
  useRightAddress(project);

  if (query.isError && isPorticoError(query.error, "PROJECT_NOT_FOUND") && !departing) {
    return <Gone wasHere={project !== undefined} />;
  }
  if (project === undefined) {
    return query.isError ? (
      <>
        <PageHeader title="Project" />
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      </>
    ) : (
      <ProjectHeaderSkeleton />
    );
  }
  const reload = async () => {
    const { data } = await query.refetch({ throwOnError: true });
    return data ?? project;
  };
  const depart = async (action: () => Promise<unknown>, message: string) => {
    // The news that the project is gone may come before the answer: it is none then.
    setDeparting(true);
    try {
      await action();
    } catch (error) {
      setDeparting(false);
      throw error;
    }
    await navigate({ to: "/projects", replace: true });
    toast.success(message);
  };
  return (
    <ProjectContext key={project.id} value={{ project, reload, depart }}>
      <ProjectHeader project={project} />
      <Outlet />
    </ProjectContext>
  );
}

/** Keeps the address right when the project gets another one, by whomever. */
function useRightAddress(project: Project | undefined): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  const matches = useMatchRoute();
  const shown = useParams({ from: "/app/projects/$slug" }).slug;
  const page = matches({ to: "/projects/$slug/members" })
    ? "/projects/$slug/members"
    : matches({ to: "/projects/$slug/settings" })
      ? "/projects/$slug/settings"
      : "/projects/$slug";
  useEffect(() => {
    if (project !== undefined && project.slug !== shown) {
      const { slug } = project;
      // It is shown by its new address as it is known, and nothing that was typed is lost.
      client.setQueryData(keys.projects.detail(slug), project);
      void navigate({ to: page, params: { slug }, replace: true, resetScroll: false });
    }
  }, [client, navigate, page, project, shown]);
}

function Gone({ wasHere }: { wasHere: boolean }) {
  return (
    <>
      <PageHeader title={wasHere ? "Project gone" : "Project not found"} />
      <Empty
        Icon={FolderX}
        title={wasHere ? "This project is no longer here for you" : "There is no such project"}
        action={<ButtonLink to="/projects">See your projects</ButtonLink>}
      >
        {wasHere
          ? "It was deleted, or you are no longer a member of it."
          : "It does not exist, or you have no access to it. Ask somebody in it to invite you."}
      </Empty>
    </>
  );
}
