import { expect, test } from "./fixtures.ts";

test("somebody signs in and goes on to where they were going", async ({ page, person }) => {
  const ada = await person("Ada Lovelace");
  await page.goto("/projects");
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
});
