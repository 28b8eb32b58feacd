import { PageHeader } from "@/ui/page";
import { PasskeysSection } from "./passkeys-section";
import { PasswordSection } from "./password-section";
import { RecoveryCodesSection } from "./recovery-codes-section";
import { SessionsSection } from "./sessions-section";
import { SignInsSection } from "./sign-ins-section";
import { TwoFactorSection } from "./two-factor-section";

/** What one proves oneself by, and where one is signed in. */
export function Security() {
  return (
    <>
      <PageHeader title="Security" description="What you prove yourself by, and where you are signed in." />
      <div className="flex flex-col gap-6">
        <PasswordSection />
        <TwoFactorSection />
        <PasskeysSection />
        <RecoveryCodesSection />
        <SessionsSection />
        <SignInsSection />
      </div>
    </>
  );
}
