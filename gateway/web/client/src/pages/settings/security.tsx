import { PageHeader } from "@/ui/page";

export function Security() {
  return <PageHeader title="Security" />;
}
