import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

/** Cuts the page off from news of others' changes, before it is opened: it learns of them only by asking. */
async function cutOffFromNews(page: Page): Promise<void> {
  await page.route("**/socket.io/**", (route) => route.abort());
  await page.routeWebSocket("**/socket.io/**", (socket) => socket.close());
}

/** The pages of the project. */
const tabs = (page: Page) => page.getByRole("navigation", { name: "Project" });

test("name and description are edited where they stand", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}`);

  await page.getByRole("heading", { name: "Engine", level: 1 }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  await page.getByRole("textbox", { name: "Name" }).fill("Analytical Engine");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Analytical Engine", level: 1 })).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit name" })).toBeFocused();

  await page.getByRole("button", { name: "Edit description" }).press("Enter");
  await page.getByRole("textbox", { name: "Description" }).fill("Weaves patterns");
  await page.getByRole("heading", { name: "People" }).click();
  await expect(page.getByText("Weaves patterns")).toBeVisible();

  await page.getByRole("button", { name: "Edit name" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("A mistake");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { name: "Analytical Engine", level: 1 })).toBeVisible();

  await page.getByRole("button", { name: "Edit name" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveAttribute("aria-invalid", "true");
  await page.keyboard.press("Escape");

  await page.reload();
  await expect(page.getByRole("heading", { name: "Analytical Engine", level: 1 })).toBeVisible();
  await expect(page.getByText("Weaves patterns")).toBeVisible();
});

test("a text that could not be saved stays in its field", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}`);
  await expect(page.getByRole("button", { name: "Edit name" })).toBeVisible();
  await page.route("**/api/v1/projects/*", (route) => route.abort("connectionrefused"));
  await page.getByRole("button", { name: "Edit name" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Analytical Engine");
  await page.keyboard.press("Enter");
  await expect(page.getByText("could not be reached")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Analytical Engine");

  await page.unroute("**/api/v1/projects/*");
  await page.getByRole("textbox", { name: "Name" }).press("Enter");
  await expect(page.getByRole("heading", { name: "Analytical Engine", level: 1 })).toBeVisible();
});

test("who edits what somebody else just changed chooses", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine", description: "One" });
  await signIn(ada);
  await cutOffFromNews(page);
  await page.goto(`/projects/${slug}`);

  // Another field: no reason to ask.
  await page.getByRole("button", { name: "Edit name" }).click();
  await ada.portico.projects.update(id, { description: "Two" });
  await page.getByRole("textbox", { name: "Name" }).fill("Analytical Engine");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Analytical Engine", level: 1 })).toBeVisible();
  await expect(page.getByText("Two")).toBeVisible();

  // The same field: both texts are there.
  await page.getByRole("button", { name: "Edit description" }).click();
  await ada.portico.projects.update(id, { description: "Theirs" });
  await page.getByRole("textbox", { name: "Description" }).fill("Mine");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "Theirs" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Description" })).toHaveValue("Mine");
  await page.getByRole("button", { name: "Save mine" }).click();
  await expect(page.getByText("Mine")).toBeVisible();
  // The page shows what was saved before it is.
  await expect.poll(async () => (await ada.portico.projects.get(id)).description).toBe("Mine");
});

test("settings change everything, and the address follows", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/settings`);
  const general = page.getByRole("form", { name: "General" });
  await general.getByLabel("Name").fill("Difference Engine");
  await general.getByLabel("Address").fill(`${slug} 2`);
  await general.getByLabel("Description").fill("Tables");
  await general.getByLabel("Visibility").selectOption("Public");
  await general.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(`/projects/${slug}-2/settings`);
  await expect(page.getByRole("heading", { name: "Difference Engine", level: 1 })).toBeVisible();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await expect
    .poll(() => ada.portico.projects.get(id))
    .toMatchObject({ description: "Tables", visibility: "PUBLIC" });
});

test("settings show what somebody else changed, and keep what was typed", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine", description: "One" });
  await signIn(ada);
  await cutOffFromNews(page);
  await page.goto(`/projects/${slug}/settings`);
  const general = page.getByRole("form", { name: "General" });
  await general.getByLabel("Description").fill("Mine");
  await ada.portico.projects.update(id, { description: "Theirs", name: "Their engine" });
  await general.getByRole("button", { name: "Save" }).click();
  await expect(general.getByRole("alert")).toContainText("Somebody else changed the same");
  await expect(general.getByText("to “Theirs”")).toBeVisible();
  await expect(general.getByLabel("Description")).toHaveValue("Mine");
  await expect(general.getByLabel("Name"), "what nobody touched is new").toHaveValue("Their engine");
  await general.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await expect
    .poll(() => ada.portico.projects.get(id))
    .toMatchObject({ description: "Mine", name: "Their engine" });
});

test("an archived project is read-only until it is unarchived", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/settings`);
  await page.getByRole("button", { name: "Archive project" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Archive project" }).click();
  await expect(page.getByText("This project is archived")).toBeVisible();
  await expect(page.getByRole("form", { name: "General" }).getByLabel("Name")).toBeDisabled();

  await tabs(page).getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole("button", { name: "Edit name" })).toBeHidden();
  await tabs(page).getByRole("link", { name: "Members" }).click();
  await expect(page.getByRole("form", { name: "Invite people" })).toBeHidden();

  await page.getByRole("button", { name: "Unarchive" }).click();
  await expect(page.getByRole("form", { name: "Invite people" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit name" })).toBeVisible();
});

test("a project is handed to another member", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/settings`);
  await expect(page.getByText("Nobody else is in the project yet")).toBeVisible();

  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "VIEWER" });
  await page.getByLabel("New owner").selectOption({ label: `Grace Hopper (${grace.email})` });
  await page.getByRole("button", { name: "Transfer project" }).click();
  const dialog = page.getByRole("dialog", { name: "Transfer Engine to Grace Hopper?" });
  await dialog.getByRole("button", { name: "Transfer project" }).click();
  await expect(dialog.getByText(`This is not ${slug}`)).toBeVisible();
  await dialog.getByLabel(`Type ${slug} to confirm`).fill(slug);
  await dialog.getByRole("button", { name: "Transfer project" }).click();

  await expect(page.getByText("You are an admin")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete project" })).toBeHidden();
  await expect.poll(async () => (await grace.portico.projects.get(id)).myRole).toBe("OWNER");
});

test("a project is deleted once its address was typed", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/settings`);
  await page.getByRole("button", { name: "Delete project" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete Engine?" });
  await dialog.getByLabel(`Type ${slug} to confirm`).fill("something else");
  await dialog.getByRole("button", { name: "Delete project" }).click();
  await expect(dialog.getByText(`This is not ${slug}`)).toBeVisible();
  await dialog.getByLabel(`Type ${slug} to confirm`).fill(slug);
  await dialog.getByRole("button", { name: "Delete project" }).click();
  await expect(page).toHaveURL("/projects");
  await expect(page.getByText("Engine was deleted")).toBeVisible();
  await expect(page.getByText("No projects yet")).toBeVisible();

  await page.goto(`/projects/${slug}`);
  await expect(page.getByRole("heading", { name: /Project (gone|not found)/, level: 1 })).toBeVisible();
});

test("a stranger reads a public project, and nothing else", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({
    name: "Engine",
    description: "For everybody",
    visibility: "PUBLIC",
  });
  await signIn(await person("Charles Babbage"));
  await page.goto(`/projects/${slug}`);
  await expect(page.getByText("For everybody")).toBeVisible();
  await expect(page.getByText("You are not a member")).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit name" })).toBeHidden();
  await expect(tabs(page).getByRole("link", { name: "Settings" })).toBeHidden();

  await tabs(page).getByRole("link", { name: "Members" }).click();
  await expect(page.getByText("Only members see who is in a project")).toBeVisible();
  await page.goto(`/projects/${slug}/settings`);
  await expect(page.getByText("Only owners and admins change the settings")).toBeVisible();
});
