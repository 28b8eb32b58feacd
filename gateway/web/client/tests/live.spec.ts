/** Two browsers look at the same things: what one changes, the other sees without a reload. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { proveEmail } from "./people.ts";

/** Fails if the page is loaded again after this. */
async function stay(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    document.documentElement.dataset.same = "yes";
  });
  return async () => {
    await expect(page.locator("html"), "no reload").toHaveAttribute("data-same", "yes");
  };
}

test("a new name, a new address and an archive are seen at once", async ({ open, person }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "MEMBER" });
  const one = await open(ada);
  const other = await open(grace);
  await one.goto(`/projects/${slug}/settings`);
  await other.goto(`/projects/${slug}`);
  await expect(other.getByRole("heading", { name: "Engine", level: 1 })).toBeVisible();
  const stayed = await stay(other);

  await one.getByRole("form", { name: "General" }).getByLabel("Name").fill("Difference Engine");
  await one.getByRole("form", { name: "General" }).getByLabel("Address").fill(`${slug}-new`);
  await one.getByRole("form", { name: "General" }).getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("heading", { name: "Difference Engine", level: 1 })).toBeVisible();
  await expect(other).toHaveURL(`/projects/${slug}-new`);

  await one.getByRole("button", { name: "Archive project" }).click();
  await one.getByRole("dialog").getByRole("button", { name: "Archive project" }).click();
  await expect(other.getByText("This project is archived")).toBeVisible();
  await stayed();
});

test("members who come, change and go are seen at once", async ({ open, person }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const charles = await person("Charles Babbage");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "MEMBER" });
  const one = await open(ada);
  const other = await open(grace);
  await one.goto(`/projects/${slug}/members`);
  await other.goto(`/projects/${slug}/members`);
  const rows = other.getByRole("list", { name: "Members" }).getByRole("listitem");
  await expect(rows).toHaveCount(2);
  const stayed = await stay(other);

  await ada.portico.projects.members.add(id, { userId: charles.user.id, role: "VIEWER" });
  await expect(rows).toHaveCount(3);
  const row = rows.filter({ hasText: "Charles Babbage" });
  await expect(row, "marked for a moment").toHaveAttribute("data-changed", "true");
  await expect(row).not.toHaveAttribute("data-changed");

  await one.getByLabel("Role of Charles Babbage").selectOption("Member");
  await expect(row).toContainText("Member");
  await expect(row).toHaveAttribute("data-changed", "true");

  // One's own role: what one may do changes with it.
  await one.getByLabel("Role of Grace Hopper").selectOption("Admin");
  await expect(other.getByText("You are an admin")).toBeVisible();
  await expect(other.getByLabel("Role of Charles Babbage")).toBeVisible();
  await expect(other.getByRole("form", { name: "Invite people" })).toBeVisible();

  await one.getByRole("button", { name: "Remove Charles Babbage" }).click();
  await one.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(rows).toHaveCount(2);
  await stayed();
});

test("an invitation comes into the inbox, and goes when it is taken back", async ({ open, person, mail }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  await proveEmail(grace, mail);
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  const one = await open(ada);
  const other = await open(grace);
  await one.goto(`/projects/${slug}/members`);
  await other.goto("/invitations");
  await expect(other.getByText("No invitations")).toBeVisible();
  const stayed = await stay(other);

  const form = one.getByRole("form", { name: "Invite people" });
  await form.getByLabel("Email").fill(grace.email);
  await form.getByRole("button", { name: "Invite" }).click();
  await expect(other.getByRole("button", { name: "Accept Engine" })).toBeVisible();

  await one.getByRole("button", { name: `Revoke for ${grace.email}` }).click();
  await one.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(other.getByText("No invitations")).toBeVisible();

  await form.getByLabel("Email").fill(grace.email);
  await form.getByRole("button", { name: "Invite" }).click();
  await other.getByRole("button", { name: "Accept Engine" }).click();
  await expect(other).toHaveURL(`/projects/${slug}`);
  await expect(one.getByRole("list", { name: "Members" })).toContainText("Grace Hopper");
  await expect(one.getByText("Nobody is invited at the moment")).toBeVisible();
  await stayed();
});

test("lists follow what happens to projects", async ({ open, person }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const { id } = await ada.portico.projects.create({ name: "Engine" });
  const page = await open(grace);
  await page.goto("/projects");
  await expect(page.getByText("No projects yet")).toBeVisible();
  const stayed = await stay(page);

  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "VIEWER" });
  const row = page.getByRole("list", { name: "Projects" }).getByRole("listitem");
  await expect(row).toContainText("Engine");
  await ada.portico.projects.update(id, { name: "Difference Engine" });
  await expect(row).toContainText("Difference Engine");
  await ada.portico.projects.members.update(id, grace.user.id, { role: "ADMIN" });
  await expect(row).toContainText("Admin");
  await ada.portico.projects.members.remove(id, grace.user.id);
  await expect(page.getByText("No projects yet")).toBeVisible();
  await stayed();
});

test("a project that is deleted, or that one is taken out of, says so and leads back", async ({
  open,
  person,
}) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const engine = await ada.portico.projects.create({ name: "Engine" });
  const loom = await ada.portico.projects.create({ name: "Loom" });
  await ada.portico.projects.members.add(engine.id, { userId: grace.user.id, role: "MEMBER" });
  await ada.portico.projects.members.add(loom.id, { userId: grace.user.id, role: "MEMBER" });
  const page = await open(grace);

  await page.goto(`/projects/${engine.slug}`);
  await expect(page.getByRole("heading", { name: "Engine", level: 1 })).toBeVisible();
  await ada.portico.projects.remove(engine.id);
  await expect(page.getByRole("heading", { name: "Project gone", level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "See your projects" }).click();
  await page.getByRole("link", { name: /^Loom/ }).click();

  await expect(page.getByRole("heading", { name: "Loom", level: 1 })).toBeVisible();
  await ada.portico.projects.members.remove(loom.id, grace.user.id);
  await expect(page.getByText("This project is no longer here for you")).toBeVisible();
});
