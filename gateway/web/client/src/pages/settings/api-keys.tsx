import { PageHeader } from "@/ui/page";

export function ApiKeys() {
  return <PageHeader title="API keys" />;
}
