import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

/** The row of somebody in the list of members. */
const rowOf = (page: Page, name: string) =>
  page.getByRole("list", { name: "Members" }).getByRole("listitem").filter({ hasText: name });

test("an owner changes roles and removes members", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "VIEWER" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/members`);
  await expect(rowOf(page, "Grace Hopper")).toContainText(grace.email);

  await page.getByLabel("Role of Grace Hopper").selectOption("Admin");
  await expect.poll(async () => (await grace.portico.projects.get(id)).myRole).toBe("ADMIN");

  await page.getByLabel("Role of Grace Hopper").selectOption("Owner");
  const dialog = page.getByRole("dialog", { name: "Make Grace Hopper an owner?" });
  await dialog.getByRole("button", { name: "Make owner" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByLabel("Role of Grace Hopper")).toHaveValue("OWNER");

  await page.getByRole("button", { name: "Remove Grace Hopper" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(rowOf(page, "Grace Hopper")).toBeHidden();
  await expect(page.getByText("Grace Hopper was removed")).toBeVisible();
});

test("an admin touches no owner, and a viewer sees no email", async ({ open, person }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const charles = await person("Charles Babbage");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "ADMIN" });
  await ada.portico.projects.members.add(id, { userId: charles.user.id, role: "VIEWER" });

  const admin = await open(grace);
  await admin.goto(`/projects/${slug}/members`);
  await expect(rowOf(admin, "Ada Lovelace")).toContainText("Owner");
  await expect(admin.getByLabel("Role of Ada Lovelace")).toBeHidden();
  await expect(admin.getByRole("button", { name: "Remove Ada Lovelace" })).toBeHidden();
  await expect(admin.getByLabel("Role of Charles Babbage").getByRole("option")).toHaveText([
    "Admin",
    "Member",
    "Viewer",
  ]);
  await admin.goto(`/projects/${slug}/settings`);
  await expect(admin.getByRole("button", { name: "Archive project" })).toBeVisible();
  await expect(admin.getByRole("button", { name: "Delete project" })).toBeHidden();

  const viewer = await open(charles);
  await viewer.goto(`/projects/${slug}/members`);
  await expect(rowOf(viewer, "Ada Lovelace")).toBeVisible();
  await expect(viewer.getByText("As a viewer you do not see")).toBeVisible();
  await expect(viewer.getByRole("main")).not.toContainText("@example.com");
  await expect(viewer.getByRole("combobox")).toBeHidden();
  await expect(viewer.getByRole("heading", { name: "Invitations" })).toBeHidden();
});

test("a member leaves, and the only owner is told why not", async ({ open, person }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.members.add(id, { userId: grace.user.id, role: "MEMBER" });

  const owner = await open(ada);
  await owner.goto(`/projects/${slug}/members`);
  await owner.getByRole("button", { name: "Leave project" }).click();
  await expect(owner.getByRole("dialog", { name: "You are the only owner" })).toBeVisible();
  await owner.getByRole("button", { name: "Stay" }).click();
  await owner.getByLabel("Your role").selectOption("Member");
  const change = owner.getByRole("dialog", { name: "Become a member?" });
  await change.getByRole("button", { name: "Change my role" }).click();
  await expect(change.getByRole("alert")).toContainText("A project needs an owner");
  await change.getByRole("button", { name: "Cancel" }).click();
  await expect(owner.getByLabel("Your role")).toHaveValue("OWNER");

  const member = await open(grace);
  await member.goto(`/projects/${slug}/members`);
  await member.getByRole("button", { name: "Leave project" }).click();
  const dialog = member.getByRole("dialog", { name: "Leave Engine?" });
  await dialog.getByRole("button", { name: "Leave project" }).click();
  await expect(member).toHaveURL("/projects");
  await expect(member.getByText("You left Engine")).toBeVisible();
  await expect(member.getByText("No projects yet")).toBeVisible();
});

test("people are invited by email; invitations are sent again and taken back", async ({
  page,
  person,
  signIn,
  mail,
}) => {
  const ada = await person("Ada Lovelace");
  const { slug } = await ada.portico.projects.create({ name: "Engine" });
  await signIn(ada);
  await page.goto(`/projects/${slug}/members`);
  await expect(page.getByText("Nobody is invited at the moment")).toBeVisible();

  const form = page.getByRole("form", { name: "Invite people" });
  await form.getByLabel("Email").fill("no address");
  await form.getByRole("button", { name: "Invite" }).click();
  await expect(form.getByText("This is not an email address")).toBeVisible();

  const email = `guest-${ada.user.id}@example.com`;
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Role").selectOption("Viewer");
  await form.getByRole("button", { name: "Invite" }).click();
  const pending = page.getByRole("list", { name: "Pending invitations" });
  await expect(pending.getByRole("listitem")).toContainText([email]);
  await expect(pending).toContainText("Viewer");
  await expect(pending).toContainText("invited by Ada Lovelace");
  await expect(form.getByLabel("Email"), "ready for the next one").toHaveValue("");
  await mail(email, "Engine");

  await form.getByLabel("Email").fill(email);
  await form.getByRole("button", { name: "Invite" }).click();
  await expect(form.getByRole("alert")).toContainText("already been invited");

  await page.getByRole("button", { name: `Resend to ${email}` }).click();
  await expect(page.getByText(`sent to ${email} again`)).toBeVisible();
  for (const toast of await page.getByRole("button", { name: "Close toast" }).all()) {
    await toast.click();
  }

  await page.getByRole("button", { name: `Revoke for ${email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("Nobody is invited at the moment")).toBeVisible();
});

test("a long list of members loads as one scrolls", async ({ page, person, admin, signIn }) => {
  const ada = await person("Ada Lovelace");
  const { id, slug } = await ada.portico.projects.create({ name: "Engine" });
  for (let number = 2; number <= 25; number++) {
    // Without a password, as hashing that many would take most of the test's time.
    const made = { email: `${number}-${ada.email}`, name: `Person ${number}`, role: "MEMBER" } as const;
    const user = await admin.portico.users.create(made);
    await ada.portico.projects.members.add(id, { userId: user.id, role: "MEMBER" });
  }
  await signIn(ada);
  await page.goto(`/projects/${slug}`);
  await page.getByRole("link", { name: "See all 25 members" }).click();
  const rows = page.getByRole("list", { name: "Members" }).getByRole("listitem");
  await expect(async () => {
    await page.mouse.wheel(0, 4_000);
    await expect(rows).toHaveCount(25, { timeout: 500 });
  }).toPass();
});
