import { expect, test } from "./fixtures.ts";

test("a key is made, works, and is revoked", async ({ page, person, signIn, program }) => {
  const ada = await person();
  await signIn(ada);
  await page.goto("/settings/api-keys");
  await expect(page.getByText("No API keys yet")).toBeVisible();
  await page.getByRole("button", { name: "New API key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create key" }).click();
  await expect(dialog.getByText("Choose at least one.")).toBeVisible();
  await dialog.getByLabel("Name").fill("Backup");
  await dialog.getByLabel("Read projects").check();
  await dialog.getByLabel("Expires").selectOption("In 30 days");
  await dialog.getByRole("button", { name: "Create key" }).click();
  await expect(dialog.getByRole("heading", { name: "Your new API key" })).toBeVisible();
  const secret = await dialog.getByLabel("API key", { exact: true }).innerText();
  await dialog.getByRole("button", { name: "I have kept it" }).click();

  const row = page.getByRole("listitem").filter({ hasText: "Backup" }).first();
  await expect(row).toContainText(secret.slice(0, 12));
  await expect(row).toContainText("Read projects");
  await expect(row).toContainText(/expires \w+ \d+, 20\d\d/);
  const call = () =>
    fetch(`${program.url}/api/v1/projects`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await call()).status).toBe(200);

  await row.getByRole("button", { name: "Revoke Backup" }).click();
  await dialog.getByRole("button", { name: "Revoke key" }).click();
  await expect(page.getByText("No API keys yet")).toBeVisible();
  await expect.poll(async () => (await call()).status).toBe(401);
});

test("only administrators are offered what helps them alone", async ({
  page,
  person,
  signIn,
  open,
  admin,
}) => {
  await signIn(await person());
  await page.goto("/settings/api-keys");
  await page.getByRole("button", { name: "New API key" }).click();
  await expect(page.getByLabel("Change projects")).toBeVisible();
  await expect(page.getByLabel("Administer")).toBeHidden();
  const other = await open(admin);
  await other.goto("/settings/api-keys");
  await other.getByRole("button", { name: "New API key" }).click();
  await expect(other.getByLabel("Administer")).toBeVisible();
});
