import type { Project } from "@portico/sdk";
import { useAuth, useMembers, useTransferProject } from "@portico/sdk/react";
import { UserRoundCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import { Button } from "@/ui/button";
import { Section } from "@/ui/card";
import { Confirm } from "@/ui/confirm";
import { SelectField } from "@/ui/field";

/** Hands the project to another member, once its address was typed. */
export function Transfer({ project }: { project: Project }) {
  const { user } = useAuth();
  const { mutateAsync: transfer } = useTransferProject();
  const [heirId, setHeirId] = useState("");
  const [asks, setAsks] = useState(false);
  const others = useEverybody(project).filter((person) => person.id !== user?.id);
  const heir = others.find(({ id }) => id === heirId);
  const isAlone = project.memberCount === 1;
  return (
    <Section
      title="Transfer"
      description={
        isAlone
          ? "Makes another member the owner. Nobody else is in the project yet: invite somebody first."
          : "Makes another member the owner. You become an admin of the project."
      }
      footer={
        isAlone || project.archivedAt !== null ? undefined : (
          <>
            <span />
            <Button
              disabled={heir === undefined}
              onClick={() => {
                setAsks(true);
              }}
            >
              <UserRoundCheck aria-hidden /> Transfer project
            </Button>
          </>
        )
      }
    >
      {!isAlone && (
        <SelectField
          label="New owner"
          value={heir?.id ?? ""}
          disabled={project.archivedAt !== null}
          hint={project.archivedAt === null ? undefined : "Unarchive the project to transfer it."}
          onChange={({ target }) => {
            setHeirId(target.value);
          }}
        >
          <option value="">Choose a member</option>
          {others.map(({ id, name, email }) => (
            <option key={id} value={id}>
              {email === null ? name : `${name} (${email})`}
            </option>
          ))}
        </SelectField>
      )}
      {heir !== undefined && (
        <Confirm
          open={asks}
          onOpenChange={setAsks}
          title={`Transfer ${project.name} to ${heir.name}?`}
          description={`${heir.name} becomes owner, and you become an admin. Only ${heir.name} can give it back.`}
          typed={project.slug}
          action="Transfer project"
          onConfirm={async () => {
            await transfer({ id: project.id, userId: heir.id });
            toast.success(`${heir.name} now owns ${project.name}`);
          }}
        />
      )}
    </Section>
  );
}

/** All members by name: the list to choose from must not end somewhere. */
function useEverybody(project: Project) {
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = useMembers(project.id, {
    sort: "name",
    limit: 100,
  });
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) {
      void fetchNextPage();
    }
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  return data?.items.flatMap(({ user }) => user ?? []) ?? [];
}
