import { expect, test } from "./fixtures.ts";
import { readFile } from "node:fs/promises";

test("somebody changes name and picture, and everybody sees it at once", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  await signIn(ada);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Profile", level: 1 })).toBeVisible();
  const form = page.getByRole("form", { name: "About you" });
  await form.getByLabel("Name").fill("Ada King");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Profile saved.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Account" }).getByText("Ada King")).toBeVisible();

  await form.getByLabel("Picture").fill("http://example.com/ada.png");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByLabel("Picture")).toHaveAccessibleDescription(/begins with https/);
  await form.getByLabel("Picture").fill("");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByLabel("Picture")).not.toHaveAttribute("aria-invalid");
});

test("what somebody else changed meanwhile is not overwritten", async ({ page, person, signIn, admin }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings");
  const form = page.getByRole("form", { name: "About you" });
  await form.getByLabel("Name").fill("Ada King");
  // Cut off from what happens elsewhere, as on a train.
  await page.route("**/api/v1/users/*", async (route) => {
    await admin.portico.users.update(ada.user.id, { name: "Countess of Lovelace" });
    await route.continue();
  });
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByRole("alert")).toContainText("Somebody else changed this");
  await expect(form.getByLabel("Name")).toHaveValue("Ada King");
  await page.unroute("**/api/v1/users/*");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Profile saved.")).toBeVisible();
});

test("an email that is not verified gets another mail", async ({ page, person, signIn, mail }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings");
  await expect(page.getByText("Not verified")).toBeVisible();
  await page.getByRole("button", { name: "Resend verification" }).click();
  await expect(page.getByText(`A mail with a link is on its way to ${ada.email}.`)).toBeVisible();
  await mail(ada.email, "Confirm your e-mail address");
});

test("all that is kept comes as one file", async ({ page, person, signIn }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export my data" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("portico-data.json");
  const content: unknown = JSON.parse(await readFile(await file.path(), "utf8"));
  expect(JSON.stringify(content)).toContain(ada.email);
});

test("who is the last owner of a project hands it over before leaving", async ({ page, person, signIn }) => {
  const ada = await person();
  const project = await ada.portico.projects.create({ name: "Apollo 11" });
  await signIn(ada);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Delete account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(`Type ${ada.email} to confirm`).fill("something else");
  await dialog.getByRole("button", { name: "Delete account" }).click();
  await expect(dialog.getByText(`This is not ${ada.email}.`)).toBeVisible();
  await dialog.getByLabel(`Type ${ada.email} to confirm`).fill(ada.email);
  await dialog.getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByText("You are the last owner of these projects.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Apollo 11" })).toHaveAttribute(
    "href",
    `/projects/${project.id}`,
  );
});

test("an account is deleted, and its person signed out", async ({ page, person, signIn }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Delete account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(`Type ${ada.email} to confirm`).fill(ada.email);
  await dialog.getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await expect(page.getByText("restore it for 30 days")).toBeVisible();
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("Email or password is wrong.");
});
