import { PageHeader } from "@/ui/page";

export function ProjectMembers() {
  return <PageHeader title="Members" />;
}
