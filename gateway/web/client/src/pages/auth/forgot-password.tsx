import { PageHeader } from "@/ui/page";

export function ForgotPassword() {
  return <PageHeader title="Forgot your password?" />;
}
