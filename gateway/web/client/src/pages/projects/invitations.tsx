import { PageHeader } from "@/ui/page";

export function Invitations() {
  return <PageHeader title="Invitations" />;
}
