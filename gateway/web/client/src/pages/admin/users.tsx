import { PageHeader } from "@/ui/page";

export function Users() {
  return <PageHeader title="Users" />;
}
