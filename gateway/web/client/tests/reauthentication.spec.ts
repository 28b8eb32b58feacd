import { AuthenticatorApp } from "./authenticator-app.ts";
import { expect, test } from "./fixtures.ts";
import { PasskeyDevice } from "./passkey-device.ts";
import { ageSignIns } from "./time-travel.ts";

test("a change that matters asks for the password again, and then happens", async ({
  page,
  person,
  signIn,
  program,
  mail,
}) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings");
  await page.getByLabel("New email").fill(`new-${ada.email}`);
  await ageSignIns(program, ada.user.id);
  await page.getByRole("button", { name: "Change email" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await expect(dialog.getByLabel("Password", { exact: true })).toBeFocused();

  // Going back leaves everything as it was.
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByLabel("New email")).toHaveValue(`new-${ada.email}`);
  await expect(page.getByRole("alert")).toHaveCount(0);

  await page.getByRole("button", { name: "Change email" }).click();
  await dialog.getByLabel("Password", { exact: true }).fill("not the password");
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await expect(dialog.getByLabel("Password", { exact: true })).toHaveAccessibleDescription(
    "That is not your current password.",
  );
  await dialog.getByLabel("Password", { exact: true }).fill(ada.password);
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText(`A mail is on its way to new-${ada.email}.`)).toBeVisible();
  await mail(`new-${ada.email}`, "Confirm your new e-mail address");
});

test("a code of the authenticator app proves it, too", async ({ page, person, signIn, program }) => {
  const ada = await person();
  await signIn(ada);
  const { secret } = await ada.portico.auth.mfa.beginTotp();
  const app = new AuthenticatorApp(secret);
  await ada.portico.auth.mfa.confirmTotp({ code: app.nextCode() });
  await ageSignIns(program, ada.user.id);
  await page.goto("/settings/api-keys");
  await page.getByRole("button", { name: "New API key" }).click();
  await page.getByLabel("Name").fill("Backup");
  await page.getByLabel("Read projects").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.getByRole("button", { name: "Use your authenticator app" }).click();
  await dialog.getByLabel("Code").fill(app.nextCode());
  await expect(page.getByRole("dialog", { name: "Your new API key" })).toBeVisible();
});

test("a passkey proves it, too", async ({ page, person, signIn, program }) => {
  const ada = await person();
  await PasskeyDevice.attach(page);
  await signIn(ada);
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add passkey" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Laptop");
  await page.getByRole("dialog").getByRole("button", { name: "Add passkey" }).click();
  await expect(page.getByText("Passkey added.")).toBeVisible();

  await ageSignIns(program, ada.user.id);
  await page.getByRole("button", { name: "Set up authenticator app" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.getByRole("button", { name: "Use a passkey" }).click();
  await dialog.getByRole("button", { name: "Continue with a passkey" }).click();
  await expect(page.getByRole("dialog", { name: "Set up your authenticator app" })).toBeVisible();
});
