import { PageHeader } from "@/ui/page";

export function Dashboard() {
  return <PageHeader title="Dashboard" />;
}
