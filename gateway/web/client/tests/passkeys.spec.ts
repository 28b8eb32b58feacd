import { expect, test } from "./fixtures.ts";
import { PasskeyDevice } from "./passkey-device.ts";
import type { Page } from "@playwright/test";

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add passkey" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Add passkey" }).click();
  await expect(page.getByText("Passkey added.")).toBeVisible();
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
}

test("somebody adds a passkey, signs in with it alone, renames and removes it", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person();
  const device = await PasskeyDevice.attach(page);
  await signIn(ada);
  await addPasskey(page, "Laptop");
  const passkeys = page.getByRole("region", { name: "Passkeys" });
  await expect(passkeys.getByText("Laptop")).toBeVisible();
  await expect(passkeys.getByText("last used never")).toBeVisible();

  // Nobody touches the device before the button is pressed.
  await device.setAttended(false);
  const offered = page.waitForResponse("**/api/v1/auth/passkeys/login/options");
  await signOut(page);
  await offered;
  await page.route("**/api/v1/auth/passkeys/login/options", async (route) => {
    await device.setAttended(true);
    await route.continue();
  });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);

  await page.goto("/settings/security");
  await expect(passkeys.getByText("last used just now")).toBeVisible();
  await passkeys.getByRole("button", { name: "Rename Laptop" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Old laptop");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(passkeys.getByText("Old laptop")).toBeVisible();
  await passkeys.getByRole("button", { name: "Remove Old laptop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove passkey" }).click();
  await expect(passkeys.getByText("You have no passkeys yet.")).toBeVisible();
});

test("the browser offers the passkey while the email is typed", async ({ page, person, signIn }) => {
  const ada = await person();
  await PasskeyDevice.attach(page);
  await signIn(ada);
  await addPasskey(page, "Laptop");
  // Chromium's simulated device is chosen from the suggestions by itself.
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("with a passkey, signing in by password asks for it", async ({ page, person, signIn }) => {
  const ada = await person();
  const device = await PasskeyDevice.attach(page);
  await signIn(ada);
  await addPasskey(page, "Laptop");
  await device.setAttended(false);
  await signOut(page);
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await device.setAttended(true);
  await page.getByRole("button", { name: "Continue with a passkey" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("a passkey that nobody unlocks is told, and the password still works", async ({ page, person }) => {
  const ada = await person();
  await page.goto("/login");
  const device = await PasskeyDevice.attach(page);
  await device.setUnlocked(false);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("No passkey was used");
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
});
