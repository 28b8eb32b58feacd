import { expect, test } from "./fixtures.ts";

test("the palette opens by keyboard and leads anywhere", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();

  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Search" });
  await expect(palette.getByRole("combobox")).toBeFocused();
  await page.keyboard.type("secur");
  await expect(palette.getByRole("option")).toHaveText(["Security"]);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/settings\/security$/);
  await expect(palette).toHaveCount(0);

  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await expect(palette).toHaveCount(0);
});

test("the palette finds projects that the server knows, and those that were looked at last", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  const project = await ada.portico.projects.create({ name: "Analytical engine" });
  await ada.portico.projects.create({ name: "Bombe" });
  await signIn(ada);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  const palette = page.getByRole("dialog", { name: "Search" });
  await palette.getByRole("combobox").fill("analytical");
  await palette.getByRole("option", { name: "Analytical engine" }).click();
  await expect(page).toHaveURL(new RegExp(`/projects/${project.slug}$`));
  await expect(page.getByRole("heading", { name: "Analytical engine", level: 1 })).toBeVisible();

  await page.keyboard.press("Control+k");
  await expect(palette.getByText("Recent projects")).toBeVisible();
  await expect(palette.getByRole("option", { name: "Analytical engine" })).toBeVisible();
  await palette.getByRole("combobox").fill("nothing is called like this");
  await expect(palette.getByText("Nothing was found.")).toBeVisible();
});

test("administrators find people by name", async ({ page, person, admin, signIn }) => {
  const ada = await person("Ada Lovelace");
  await signIn(admin);
  await page.goto("/dashboard");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  const palette = page.getByRole("dialog", { name: "Search" });
  await palette.getByRole("combobox").fill(ada.email);
  await palette.getByRole("option", { name: ada.email }).click();
  await expect(page.getByRole("list", { name: "Users" }).getByText(ada.email)).toBeVisible();
});

test("the palette changes the theme and signs out", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("option", { name: "Dark theme" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");

  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("combobox").fill("sign out");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("a few keys lead to the pages, and none does while somebody writes", async ({
  page,
  person,
  signIn,
}) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  for (const [keys, address] of [
    ["gp", /\/projects$/],
    ["gi", /\/invitations$/],
    ["gs", /\/settings$/],
    ["gd", /\/dashboard$/],
  ] as const) {
    await page.keyboard.type(keys);
    await expect(page).toHaveURL(address);
  }

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help.getByText("Go to projects")).toBeVisible();
  await page.keyboard.type("gp");
  await expect(page).toHaveURL(/\/dashboard$/);
  await page.keyboard.press("Escape");
  await expect(help).toHaveCount(0);

  await page.keyboard.type("gs");
  await page.getByLabel("Name").first().fill("");
  await page.getByLabel("Name").first().pressSequentially("gp n?");
  await expect(page).toHaveURL(/\/settings$/);
  await expect(page.getByLabel("Name").first()).toHaveValue("gp n?");
});

test("n makes a new project", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("n");
  await expect(page.getByRole("dialog", { name: "New project" })).toBeVisible();
});
