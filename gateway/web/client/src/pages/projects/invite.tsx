import type { Project } from "@portico/sdk";
import { useCreateInvitation } from "@portico/sdk/react";
import { useRef, useState } from "react";
import { toast } from "sonner";
import { Card } from "@/ui/card";
import { SelectField, TextField } from "@/ui/field";
import { Form, SubmitButton, text } from "@/ui/form";
import { asOne, startOf, roleFrom, roleMeanings, roleNames } from "./roles";

const offered = ["ADMIN", "MEMBER", "VIEWER"] as const;

/** Invites somebody by email, with an account or without one. */
export function Invite({ project }: { project: Project }) {
  const { mutateAsync: invite } = useCreateInvitation();
  const [role, setRole] = useState<(typeof offered)[number]>("MEMBER");
  const email = useRef<HTMLInputElement>(null);
  return (
    <Card className="p-4">
      <h2 className="mb-3 text-base font-semibold">Invite people</h2>
      <Form
        label="Invite people"
        className="flex flex-col gap-3"
        onSubmit={async (values) => {
          const { email: to } = await invite({
            projectId: project.id,
            email: text(values, "email"),
            role,
          });
          toast.success(`${to} was invited`);
          if (email.current !== null) {
            email.current.value = "";
            email.current.focus();
          }
        }}
      >
        <div className="grid items-start gap-3 sm:grid-cols-[minmax(0,1fr)_9rem_auto]">
          <TextField ref={email} label="Email" name="email" type="email" autoComplete="off" required />
          <SelectField
            label="Role"
            name="role"
            value={role}
            onChange={({ target }) => {
              setRole(offered.find((one) => one === roleFrom(target.value)) ?? "MEMBER");
            }}
          >
            {offered.map((one) => (
              <option key={one} value={one}>
                {roleNames[one]}
              </option>
            ))}
          </SelectField>
          <div className="sm:mt-[26px]">
            <SubmitButton className="w-full sm:w-auto">Invite</SubmitButton>
          </div>
        </div>
        <p className="text-[13px] text-muted">
          {`They get a mail with a link. ${startOf(asOne(role))} ${roleMeanings[role]}.`}
        </p>
      </Form>
    </Card>
  );
}
