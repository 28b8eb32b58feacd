import { AuthenticatorApp } from "./authenticator-app.ts";
import { expect, test, type Person } from "./fixtures.ts";
import type { Page } from "@playwright/test";

/** Gives somebody an authenticator app, by the API. */
async function protect({
  portico,
}: Person): Promise<{ app: AuthenticatorApp; recoveryCodes: readonly string[] }> {
  const { secret } = await portico.auth.mfa.beginTotp();
  const app = new AuthenticatorApp(secret);
  const { recoveryCodes } = await portico.auth.mfa.confirmTotp({ code: app.nextCode() });
  return { app, recoveryCodes };
}

async function passFirstStep(page: Page, { email, password }: Person): Promise<void> {
  await page.goto("/login?redirect=%2Fsettings");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Confirm that it is you", level: 1 })).toBeVisible();
}

test("a code of the authenticator app is the second step, and sends itself", async ({ page, person }) => {
  const ada = await person();
  const { app } = await protect(ada);
  await passFirstStep(page, ada);
  await expect(page.getByLabel("Code")).toBeFocused();
  await expect(page.getByLabel("Code")).toHaveAttribute("autocomplete", "one-time-code");
  await page.keyboard.type(app.nextCode());
  await expect(page).toHaveURL(/\/settings$/);
});

test("a wrong code is said, and the next one works", async ({ page, person }) => {
  const ada = await person();
  const { app } = await protect(ada);
  await passFirstStep(page, ada);
  await page.keyboard.type("000000");
  await expect(page.getByLabel("Code")).toHaveAccessibleDescription(/That code is wrong/);
  await expect(page.getByLabel("Code")).toBeFocused();
  // Pasted as apps show it.
  const code = app.nextCode();
  await page.getByLabel("Code").fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  await expect(page).toHaveURL(/\/settings$/);
});

test("a recovery code stands in for the app, once", async ({ page, person, open }) => {
  const ada = await person();
  const { recoveryCodes } = await protect(ada);
  const recoveryCode = recoveryCodes[0] ?? "";
  await passFirstStep(page, ada);
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code").fill(recoveryCode);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/settings$/);

  const other = await open();
  await passFirstStep(other, ada);
  await other.getByRole("button", { name: "Use a recovery code" }).click();
  await other.getByLabel("Recovery code").fill(recoveryCode);
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(other.getByLabel("Recovery code")).toHaveAccessibleDescription(/it was used already/);
});

test("there is a way back to the first step", async ({ page, person }) => {
  const ada = await person();
  await protect(ada);
  await passFirstStep(page, ada);
  await page.getByRole("button", { name: "Back" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await expect(page.getByLabel("Email")).toHaveValue(ada.email);
});

test("after too many wrong codes, one signs in anew", async ({ page, person }) => {
  const ada = await person();
  await protect(ada);
  await passFirstStep(page, ada);
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const answer = page.waitForResponse("**/api/v1/auth/mfa/challenge");
    await page.getByLabel("Code").fill(`00000${attempt}`);
    await answer;
  }
  await expect(page.getByRole("alert")).toHaveText(/Sign in again/);
});
