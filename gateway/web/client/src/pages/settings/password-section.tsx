import { useAuth, usePortico } from "@portico/sdk/react";
import { useState } from "react";
import { toast } from "sonner";
import { NewPasswordField } from "@/pages/auth/new-password-field";
import { Section } from "@/ui/card";
import { PasswordField } from "@/ui/field";
import { Form, SubmitButton, typed } from "@/ui/form";

/** Choosing another password. Every other session ends with the old one. */
export function PasswordSection() {
  const { auth } = usePortico();
  const { user } = useAuth();
  const [round, setRound] = useState(0);

  const submit = async (values: FormData) => {
    await auth.password.change({
      currentPassword: typed(values, "currentPassword"),
      newPassword: typed(values, "newPassword"),
    });
    // The fields are empty again.
    setRound(round + 1);
    toast.success("Password changed. Every other session was signed out.");
  };
  return (
    <Section title="Password" description="When you change it, every other session is signed out.">
      <Form key={round} onSubmit={submit} label="Password">
        {/* Password managers learn from it whose password this is. */}
        <input type="hidden" name="username" autoComplete="username" value={user?.email ?? ""} readOnly />
        <PasswordField
          label="Current password"
          name="currentPassword"
          autoComplete="current-password"
          required
        />
        <NewPasswordField label="New password" name="newPassword" email={user?.email} person={user?.name} />
        <div>
          <SubmitButton>Change password</SubmitButton>
        </div>
      </Form>
    </Section>
  );
}
