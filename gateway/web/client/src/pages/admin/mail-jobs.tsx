import { PageHeader } from "@/ui/page";

export function MailJobs() {
  return <PageHeader title="Mail jobs" />;
}
