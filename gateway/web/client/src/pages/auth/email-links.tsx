import { PageHeader } from "@/ui/page";

export function VerifyEmail() {
  return <PageHeader title="Verify your email" />;
}

export function ConfirmEmail() {
  return <PageHeader title="Confirm your new email" />;
}

export function UndoEmailChange() {
  return <PageHeader title="Undo the change of your email" />;
}
