import { expect, test } from "./fixtures.ts";
import { proveEmail } from "./people.ts";

test("whoever has not verified their email is told so, and gets a new link", async ({
  page,
  person,
  signIn,
  mail,
}) => {
  const grace = await person("Grace Hopper");
  await signIn(grace);
  await page.goto("/invitations");
  await expect(page.getByText("Verify your email", { exact: true })).toBeVisible();
  await expect(page.getByText("Nothing to show yet")).toBeVisible();
  await page.getByRole("button", { name: "Send a new link" }).click();
  await expect(page.getByText("A new link is on its way")).toBeVisible();

  await proveEmail(grace, mail);
  await expect(page.getByText("Verify your email", { exact: true }), "without a reload").toBeHidden();
  await expect(page.getByText("No invitations")).toBeVisible();
});

test("an invitation is accepted, another one declined", async ({ page, person, signIn, mail }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  await proveEmail(grace, mail);
  const engine = await ada.portico.projects.create({ name: "Engine" });
  const loom = await ada.portico.projects.create({ name: "Loom" });
  await ada.portico.projects.invitations.create(engine.id, { email: grace.email, role: "ADMIN" });
  await ada.portico.projects.invitations.create(loom.id, { email: grace.email, role: "VIEWER" });

  await signIn(grace);
  await page.goto("/invitations");
  const inbox = page.getByRole("list", { name: "Invitations" });
  await expect(inbox.getByRole("listitem")).toHaveCount(2);
  await expect(inbox).toContainText("Ada Lovelace invites you as an admin");

  await page.getByRole("button", { name: "Decline Loom" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Decline" }).click();
  await expect(inbox.getByRole("listitem")).toHaveCount(1);
  await expect(page.getByText("You declined the invitation to Loom")).toBeVisible();

  await page.getByRole("button", { name: "Accept Engine" }).click();
  await expect(page).toHaveURL(`/projects/${engine.slug}`);
  await expect(page.getByText("You are an admin")).toBeVisible();
});

test("the dashboard shows what waits for an answer", async ({ page, person, signIn, mail }) => {
  const ada = await person("Ada Lovelace");
  const grace = await person("Grace Hopper");
  await signIn(grace);
  await page.goto("/dashboard");
  await expect(page.getByText("Until then you see no invitations")).toBeVisible();

  const engine = await ada.portico.projects.create({ name: "Engine" });
  await ada.portico.projects.invitations.create(engine.id, { email: grace.email, role: "MEMBER" });
  await proveEmail(grace, mail);
  await page.getByRole("button", { name: "Accept Engine" }).click();
  await expect(page).toHaveURL(`/projects/${engine.slug}`);
  await page.goto("/dashboard");
  await expect(page.getByRole("list", { name: "Recent projects" })).toContainText("Engine");
  await expect(page.getByRole("heading", { name: "Invitations" })).toBeHidden();
});
