import { PageHeader } from "@/ui/page";

export function ProjectSettings() {
  return <PageHeader title="Settings" />;
}
