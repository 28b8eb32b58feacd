import { PageHeader } from "@/ui/page";

export function Projects() {
  return <PageHeader title="Projects" />;
}
