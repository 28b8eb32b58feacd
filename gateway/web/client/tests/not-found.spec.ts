import { expectAccessible } from "./accessible.ts";
import { expect, test } from "./fixtures.ts";

test("an address that leads nowhere says so, and leads on", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/nowhere/at/all");
  await expect(page.getByRole("heading", { name: "Page not found", level: 1 })).toBeVisible();
  await expect(page).toHaveTitle("Page not found · Portico");
  await expectAccessible(page);
  await page.getByRole("link", { name: "See your projects" }).click();
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
});
