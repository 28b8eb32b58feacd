import { AuthenticatorApp } from "./authenticator-app.ts";
import { expect, test } from "./fixtures.ts";
import { readFile } from "node:fs/promises";

test("a changed password ends every other session", async ({ page, person, signIn, open }) => {
  const ada = await person();
  await signIn(ada);
  const elsewhere = await open(ada);
  await elsewhere.goto("/settings");
  await expect(elsewhere.getByRole("heading", { name: "Profile", level: 1 })).toBeVisible();

  await page.goto("/settings/security");
  const form = page.getByRole("form", { name: "Password" });
  await form.getByLabel("Current password").fill("not the password");
  await form.getByLabel("New password").fill("another battery staple");
  await form.getByRole("button", { name: "Change password" }).click();
  await expect(form.getByLabel("Current password")).toHaveAccessibleDescription(
    "That is not your current password.",
  );
  await expect(form.getByLabel("New password")).toHaveValue("another battery staple");
  await form.getByLabel("Current password").fill(ada.password);
  await form.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Password changed.")).toBeVisible();
  await expect(form.getByLabel("Current password")).toHaveValue("");

  await expect(elsewhere.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await elsewhere.getByLabel("Email").fill(ada.email);
  await elsewhere.getByLabel("Password", { exact: true }).fill("another battery staple");
  await elsewhere.getByRole("button", { name: "Sign in", exact: true }).click();
  // Back where one was.
  await expect(elsewhere).toHaveURL(/\/settings$/);
});

test("sessions are named, and one is ended from afar", async ({ page, person, signIn, open }) => {
  const ada = await person();
  const elsewhere = await open(ada);
  await elsewhere.goto("/projects");
  await expect(elsewhere.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await signIn(ada);
  await page.goto("/settings/security");
  const sessions = page.getByRole("region", { name: "Sessions" });
  const here = sessions.getByRole("listitem").filter({ hasText: "This device" });
  await expect(here).toContainText("Chrome on Linux");
  await expect(here.getByRole("button")).toHaveCount(0);
  // The one by which the test made the account, and the other browser.
  await expect(sessions.getByRole("listitem")).toHaveCount(3);
  await sessions.getByRole("button", { name: "Sign out of Chrome on Linux" }).click();
  await expect(page.getByText("Signed out of Chrome on Linux.")).toBeVisible();
  await expect(sessions.getByRole("listitem")).toHaveCount(2);
  await expect(elsewhere.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("somebody signs out everywhere", async ({ page, person, signIn, open }) => {
  const ada = await person();
  const elsewhere = await open(ada);
  await elsewhere.goto("/projects");
  await expect(elsewhere.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await signIn(ada);
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await expect(elsewhere.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("an authenticator app is set up and turned off", async ({ page, person, signIn }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings/security");
  const section = page.getByRole("region", { name: "Two-factor authentication" });
  await section.getByRole("button", { name: "Set up authenticator app" }).click();
  const dialog = page.getByRole("dialog");
  const picture = dialog.getByRole("img", { name: "QR code for the authenticator app" });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const app = new AuthenticatorApp(await dialog.getByLabel("Secret", { exact: true }).innerText());
  await dialog.getByLabel("Code").fill("000000");
  await expect(dialog.getByLabel("Code")).toHaveAccessibleDescription(/That code is wrong/);
  await dialog.getByLabel("Code").fill(app.nextCode());

  await expect(dialog.getByRole("heading", { name: "Two-factor authentication is on" })).toBeVisible();
  await expect(dialog.getByRole("listitem")).toHaveCount(10);
  const shown = await dialog.getByRole("listitem").allInnerTexts();
  const download = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download" }).click();
  const file = await readFile(await (await download).path(), "utf8");
  expect(file.trim().split("\n")).toEqual(shown);
  // Neither a slip of the finger nor a key loses them.
  await page.keyboard.press("Escape");
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "I have kept them" }).click();
  await expect(section.getByText("On", { exact: true })).toBeVisible();

  const recovery = page.getByRole("region", { name: "Recovery codes" });
  await expect(recovery.getByText("10 left")).toBeVisible();
  await recovery.getByRole("button", { name: "Make new recovery codes" }).click();
  await dialog.getByRole("button", { name: "Make new codes" }).click();
  await expect(dialog.getByRole("listitem")).toHaveCount(10);
  expect(await dialog.getByRole("listitem").allInnerTexts()).not.toEqual(shown);
  await dialog.getByRole("button", { name: "I have kept them" }).click();

  await section.getByRole("button", { name: "Turn off" }).click();
  await dialog.getByLabel("Code").fill(app.nextCode());
  await dialog.getByRole("button", { name: "Turn off" }).click();
  await expect(section.getByText("Off", { exact: true })).toBeVisible();
  await expect(recovery).toBeHidden();
});

test("the secret can be copied", async ({ page, person, signIn }) => {
  await signIn(await person());
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Set up authenticator app" }).click();
  const dialog = page.getByRole("dialog");
  const secret = await dialog.getByLabel("Secret", { exact: true }).innerText();
  await dialog.getByRole("button", { name: "Copy secret" }).click();
  await expect(dialog.getByText("Copied")).toBeAttached();
  // No page may read the clipboard; people paste it.
  await page.goto("/settings");
  const field = page.getByLabel("Name", { exact: true });
  await field.selectText();
  await page.keyboard.press("ControlOrMeta+V");
  await expect(field).toHaveValue(secret);
});

test("recent sign-ins are listed, also those that failed", async ({ page, startWith }) => {
  // Failures are noted where they are counted.
  const program = await startWith({ PORTICO_AUTH_THROTTLE: "on" });
  await page.goto(`${program.url}/login?redirect=%2Fsettings%2Fsecurity`);
  await page.getByLabel("Email").fill(program.admin.email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill(program.admin.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const rows = page.getByRole("region", { name: "Recent sign-ins" }).getByRole("listitem");
  await expect(rows.filter({ hasText: "Signed in" })).toContainText("Password");
  await expect(rows.filter({ hasText: "Refused" })).toContainText("Chrome on Linux");
});
