import { PageHeader } from "@/ui/page";

export function ResetPassword() {
  return <PageHeader title="Choose a new password" />;
}

export function SetPassword() {
  return <PageHeader title="Choose a password" />;
}
