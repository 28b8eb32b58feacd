import { PageHeader } from "@/ui/page";

export function ProjectOverview() {
  return <PageHeader title="Overview" />;
}
