import { PageHeader } from "@/ui/page";

export function Register() {
  return <PageHeader title="Create account" />;
}
