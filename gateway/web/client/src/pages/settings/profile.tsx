import { useAuth } from "@portico/sdk/react";
import { PageHeader } from "@/ui/page";
import { DeleteAccount } from "./delete-account";
import { EmailSection } from "./email-section";
import { ExportSection } from "./export-section";
import { ProfileForm } from "./profile-form";

/** Who one is here. */
export function Profile() {
  const { user } = useAuth();
  return (
    <>
      <PageHeader title="Profile" description="How others see you, and how Portico reaches you." />
      {user !== null && (
        <div className="flex flex-col gap-6">
          <ProfileForm user={user} />
          <EmailSection user={user} />
          <ExportSection user={user} />
          <DeleteAccount user={user} />
        </div>
      )}
    </>
  );
}
