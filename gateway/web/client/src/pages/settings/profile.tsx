import { PageHeader } from "@/ui/page";

export function Profile() {
  return <PageHeader title="Profile" />;
}
