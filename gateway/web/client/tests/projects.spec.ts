import { expect, test } from "./fixtures.ts";
import type { Page } from "@playwright/test";

/** The rows of the list, by the names of the projects. */
const names = (page: Page) => page.getByRole("list", { name: "Projects" }).locator("[data-name]");

test("somebody new starts their first project from the dashboard", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Ada");
  await expect(page.getByText("Start your first project")).toBeVisible();

  await page.getByRole("link", { name: "New project" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New project" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await dialog.getByLabel("Name").fill("Café Números №1");
  await expect(dialog.getByLabel("Address")).toHaveValue("cafe-numeros-no1");
  await dialog.getByLabel("Address").fill("My Engine");
  await expect(dialog.getByLabel("Address")).toHaveValue("my-engine");
  await dialog.getByLabel("Name").fill("Difference Engine");
  await expect(dialog.getByLabel("Address"), "what was chosen stays").toHaveValue("my-engine");
  await dialog.getByLabel("Description").fill("Computes tables");
  await dialog.getByLabel("Visibility").selectOption("Public");
  await dialog.getByRole("button", { name: "Create project" }).click();

  await expect(page).toHaveURL(/\/projects\/my-engine$/);
  await expect(page.getByRole("heading", { name: "Difference Engine", level: 1 })).toBeVisible();
  await expect(page.getByText("Computes tables")).toBeVisible();
  await expect(page.getByText("You are an owner")).toBeVisible();

  await page.goBack();
  await expect(page.getByRole("dialog"), "going back does not ask again").toBeHidden();
});

test("the key n asks for a new project, from anywhere", async ({ page, person, signIn }) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/dashboard");
  await expect(page.getByText("Start your first project")).toBeVisible();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New project" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("the list is searched, filtered and sorted, and its address can be kept", async ({
  page,
  person,
  signIn,
  open,
}) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  await ada.portico.projects.create({ name: "Analytical Engine", description: "Bernoulli numbers" });
  const old = await ada.portico.projects.create({ name: "Old Engine" });
  await ada.portico.projects.archive(old.id);
  const shared = await grace.portico.projects.create({ name: "Compiler", visibility: "PUBLIC" });
  await grace.portico.projects.members.add(shared.id, { userId: ada.user.id, role: "VIEWER" });
  await grace.portico.projects.create({ name: "Flow-Matic", visibility: "PUBLIC" });

  await signIn(ada);
  await page.goto("/projects?sort=name");
  await expect(names(page)).toHaveText(["Analytical Engine", "Compiler"]);

  await page.getByLabel("Search projects").fill("bernoulli");
  await expect(names(page)).toHaveText(["Analytical Engine"]);
  await expect(page).toHaveURL(/q=bernoulli/);

  await page.getByLabel("Search projects").fill("");
  await page.getByLabel("My role").selectOption("Viewer");
  await expect(names(page)).toHaveText(["Compiler"]);
  await page.getByLabel("My role").selectOption("Any role");

  await page.getByLabel("Archived").selectOption("All");
  await page.getByLabel("Sort by").selectOption("Name, Z to A");
  await expect(names(page)).toHaveText(["Old Engine", "Compiler", "Analytical Engine"]);

  const again = await open(ada);
  await again.goto(page.url());
  await expect(names(again), "the address says it all").toHaveText([
    "Old Engine",
    "Compiler",
    "Analytical Engine",
  ]);

  await page.getByLabel("Archived").selectOption("Active");
  await page.getByLabel("Show").selectOption("Public projects");
  await page.getByLabel("Search projects").fill("flow-matic");
  await expect(names(page)).toHaveText(["Flow-Matic"]);

  await page.getByLabel("Search projects").fill("nothing like it");
  await expect(page.getByText("No project matches")).toBeVisible();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await expect(names(page)).toHaveText(["Compiler", "Analytical Engine"]);
  await expect(page.getByLabel("Search projects")).toHaveValue("");
});

test("sixty projects load as one scrolls, and going back leads to where one was", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  for (let number = 1; number <= 65; number++) {
    await ada.portico.projects.create({ name: `Engine ${String(number).padStart(2, "0")}` });
  }
  await signIn(ada);
  await page.goto("/projects?sort=name");
  await expect(names(page).first()).toHaveText("Engine 01");
  expect(await names(page).count(), "not all at once").toBeLessThan(65);

  await expect(async () => {
    await page.mouse.wheel(0, 4_000);
    await expect(names(page)).toHaveCount(65, { timeout: 500 });
  }).toPass();
  await expect(page.getByRole("button", { name: "Load more" })).toBeHidden();

  const row = page.getByRole("link", { name: /^Engine 58/ });
  await row.scrollIntoViewIfNeeded();
  const before = await row.boundingBox();
  await row.click();
  await expect(page.getByRole("heading", { name: "Engine 58", level: 1 })).toBeVisible();
  await page.goBack();
  await expect(row).toBeInViewport();
  expect((await row.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, -1);
});

test("a list that cannot be loaded says so, and is tried again", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Analytical Engine" });
  await signIn(ada);
  await page.goto("/settings");
  await page.route("**/api/v1/projects?*", (route) => route.abort("connectionrefused"));
  await page.getByRole("link", { name: "Projects", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("could not be loaded");
  await page.unroute("**/api/v1/projects?*");
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await expect(names(page)).toHaveText(["Analytical Engine"]);
});

test("an address that is taken is refused, and what was typed stays", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Engine", slug: "the-only-engine" });
  await signIn(ada);
  await page.goto("/projects?new=1");
  const dialog = page.getByRole("dialog", { name: "New project" });
  await dialog.getByRole("button", { name: "Create project" }).click();
  await expect(dialog.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("Name")).toBeFocused();

  await dialog.getByLabel("Name").fill("Another engine");
  await dialog.getByLabel("Address").fill("the-only-engine");
  await dialog.getByRole("button", { name: "Create project" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Another project already has this address");
  await expect(dialog.getByLabel("Name")).toHaveValue("Another engine");

  await dialog.getByLabel("Address").fill("ab");
  await dialog.getByRole("button", { name: "Create project" }).click();
  await expect(dialog.getByText("Use 3 to 63 small letters")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL(/\/projects$/);
});
