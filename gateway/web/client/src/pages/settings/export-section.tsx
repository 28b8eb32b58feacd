import type { User } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { Download } from "lucide-react";
import { download } from "@/lib/download";
import { Section } from "@/ui/card";
import { Form, SubmitButton } from "@/ui/form";

/** All that is kept of oneself, as one file. */
export function ExportSection({ user }: { user: User }) {
  const { users } = usePortico();
  const submit = async () => {
    const everything = await users.export(user.id);
    download("portico-data.json", "application/json", JSON.stringify(everything, null, 2));
  };
  return (
    <Section
      title="Your data"
      description="Everything that Portico keeps about you, in one file: profile, sign-ins, projects, invitations, and what you did."
    >
      <Form onSubmit={submit} label="Your data">
        <div>
          <SubmitButton variant="secondary">
            <Download aria-hidden /> Export my data
          </SubmitButton>
        </div>
      </Form>
    </Section>
  );
}
