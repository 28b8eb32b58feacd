import type { Member, MemberRole, Project } from "@portico/sdk";
import { useUpdateMember } from "@portico/sdk/react";
import { useState } from "react";
import { useAction } from "@/lib/use-action";
import { Confirm } from "@/ui/confirm";
import { SelectField } from "@/ui/field";
import { startOf, asOne, handles, roleFrom, roleMeanings, roleNames, rolesToGive } from "./roles";

interface RoleOfProps {
  member: Member;
  name: string;
  project: Project;
  isMe: boolean;
}

/** The role of a member; a list to choose from for those who may change it. */
export function RoleOf({ member, name, project, isMe }: RoleOfProps) {
  const { mutateAsync: update } = useUpdateMember();
  const [asked, setAsked] = useState<MemberRole | null>(null);
  const change = (role: MemberRole) =>
    update({ projectId: project.id, userId: member.user?.id ?? "", changes: { role }, etag: member.etag });
  const { run, pending } = useAction(change);

  if (member.role === null || project.archivedAt !== null || !handles(project, member.role)) {
    return <p className="text-[13px]">{member.role !== null && roleNames[member.role]}</p>;
  }
  return (
    <>
      <SelectField
        label={isMe ? "Your role" : `Role of ${name}`}
        hideLabel
        value={member.role}
        disabled={pending}
        onChange={({ target }) => {
          const role = roleFrom(target.value);
          // What gives somebody everything, or takes something from oneself, is asked for.
          if (role === "OWNER" || isMe) {
            setAsked(role ?? null);
          } else if (role !== undefined) {
            run(role);
          }
        }}
      >
        {rolesToGive(project).map((role) => (
          <option key={role} value={role}>
            {roleNames[role]}
          </option>
        ))}
      </SelectField>
      {asked !== null && (
        <Confirm
          open
          onOpenChange={() => {
            setAsked(null);
          }}
          tone="primary"
          title={isMe ? `Become ${asOne(asked)}?` : `Make ${name} ${asOne(asked)}?`}
          description={
            isMe
              ? `${startOf(asOne(asked))} ${roleMeanings[asked]}. Somebody else has to give you your role back.`
              : `An owner ${roleMeanings[asked]}, and can remove you.`
          }
          action={isMe ? "Change my role" : "Make owner"}
          onConfirm={() => change(asked)}
        />
      )}
    </>
  );
}
