import { PageHeader } from "@/ui/page";

export function AuditLog() {
  return <PageHeader title="Audit log" />;
}
