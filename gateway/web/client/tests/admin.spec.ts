import { createPortico } from "@portico/sdk";
import { readFile } from "node:fs/promises";
import { expect, test } from "./fixtures.ts";
import { startMailServer } from "./mail-server.ts";
import { startProgram } from "./program.ts";

test("people who are no administrators are told so, and see no way there", async ({
  page,
  person,
  signIn,
}) => {
  await signIn(await person("Ada Lovelace"));
  await page.goto("/admin/users");
  await expect(page.getByText("This page is for administrators")).toBeVisible();
  await expect(page.getByRole("link", { name: "Audit log" })).toHaveCount(0);
});

test("an administrator finds somebody, and the address says how", async ({ page, person, admin, signIn }) => {
  const ada = await person("Ada Lovelace");
  const bob = await person("Bob Kahn");
  await signIn(admin);
  await page.goto("/admin/users");

  await page.getByRole("searchbox", { name: "Search users" }).fill(ada.email);
  const users = page.getByRole("list", { name: "Users" });
  await expect(users.getByText(ada.email)).toBeVisible();
  await expect(users.getByText(bob.email)).toHaveCount(0);
  await expect(page).toHaveURL(/q=ada-/);

  await page.reload();
  await expect(users.getByText(ada.email)).toBeVisible();
  await page.getByLabel("Role").selectOption("Administrators");
  await expect(page.getByText("Nobody was found")).toBeVisible();
  await expect(page).toHaveURL(/role=ADMIN/);
});

test("an administrator makes somebody an administrator and takes it back", async ({
  page,
  person,
  admin,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await signIn(admin);
  await page.goto(`/admin/users?q=${ada.email}`);
  const row = page.getByRole("listitem").filter({ hasText: ada.email });

  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Make an administrator" }).click();
  await page.getByRole("button", { name: "Make administrator" }).click();
  await expect(page.getByText("Ada Lovelace is an administrator now.")).toBeVisible();
  await expect(row.getByText("Administrator", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Make a member" }).click();
  await page.getByRole("button", { name: "Make member" }).click();
  await expect(row.getByText("Member", { exact: true })).toBeVisible();
});

test("a disabled person is signed out at once, and comes back when enabled", async ({
  page,
  person,
  admin,
  open,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  const hers = await open(ada);
  await hers.goto("/dashboard");
  await expect(hers.getByRole("heading", { level: 1 })).toBeVisible();

  await signIn(admin);
  await page.goto(`/admin/users?q=${ada.email}`);
  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Disable account" }).click();
  await page.getByRole("button", { name: "Disable account" }).click();
  await expect(page.getByText("The account of Ada Lovelace is disabled.")).toBeVisible();
  await expect(hers.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();

  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Enable account" }).click();
  await page.getByRole("button", { name: "Enable account" }).click();
  await expect(page.getByText("The account of Ada Lovelace is enabled.")).toBeVisible();
});

test("an administrator ends somebody's sessions and reads when they signed in", async ({
  page,
  person,
  admin,
  open,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  const hers = await open(ada);
  await hers.goto("/dashboard");
  await expect(hers.getByRole("heading", { level: 1 })).toBeVisible();

  await signIn(admin);
  await page.goto(`/admin/users?q=${ada.email}`);
  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "End all sessions" }).click();
  await page.getByRole("button", { name: "End sessions" }).click();
  await expect(page.getByText("Ada Lovelace is signed out everywhere.")).toBeVisible();
  await expect(hers.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();

  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Reset two-factor sign-in" }).click();
  await page.getByRole("button", { name: "Reset two-factor sign-in" }).click();
  await expect(page.getByText("Two-factor sign-in of Ada Lovelace is reset.")).toBeVisible();

  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Sign-in history" }).click();
  await expect(page.getByRole("dialog").getByText("Signed in", { exact: true }).first()).toBeVisible();
});

test("an administrator deletes an account with its projects handed over, and restores it", async ({
  page,
  person,
  admin,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Engine of Ada" });
  await signIn(admin);
  await page.goto(`/admin/users?q=${ada.email}`);
  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Delete account" }).click();
  await page.getByLabel(`Type ${ada.email} to confirm`).fill("somebody else");
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByText(`This is not ${ada.email}.`)).toBeVisible();

  await page.getByLabel(`Type ${ada.email} to confirm`).fill(ada.email);
  await page.getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByRole("dialog").getByText("Engine of Ada")).toBeVisible();
  await page.getByRole("button", { name: "Become owner and delete account" }).click();
  await expect(page.getByText("The account of Ada Lovelace is deleted.")).toBeVisible();
  await expect(page.getByText("Nobody was found")).toBeVisible();

  await page.getByLabel("Status").selectOption("Deleted");
  await page.getByRole("button", { name: "Actions for Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Restore account" }).click();
  await expect(page.getByText("The account of Ada Lovelace is back.", { exact: false })).toBeVisible();
});

test("an administrator creates an account, and a mail sets its password", async ({
  page,
  admin,
  mail,
  signIn,
}) => {
  const email = `grace-${crypto.randomUUID().slice(0, 8)}@example.com`;
  await signIn(admin);
  await page.goto("/admin/users");
  await page.getByRole("button", { name: "Create user" }).click();
  const dialog = page.getByRole("dialog", { name: "Create user" });
  await dialog.getByLabel("Name").fill("Grace Hopper");
  await dialog.getByLabel("Email").fill("no address");
  await dialog.getByRole("button", { name: "Create user" }).click();
  await expect(dialog.getByText("This is not an email address.")).toBeVisible();
  await expect(dialog.getByLabel("Email")).toBeFocused();

  await dialog.getByLabel("Email").fill(email);
  await dialog.getByRole("button", { name: "Create user" }).click();
  await expect(page.getByText("a mail with a link to set the password", { exact: false })).toBeVisible();
  await expect(page.getByRole("list", { name: "Users" }).getByText(email)).toBeVisible();
  expect(await mail(email, "password")).toContain("/set-password#token=");
});

test("administrators do nothing to themselves here, and the last one stays", async ({
  page,
  admin,
  signIn,
}) => {
  await signIn(admin);
  await page.goto(`/admin/users?q=${admin.email}`);
  await expect(page.getByRole("listitem").filter({ hasText: admin.email }).getByText("You")).toBeVisible();
  await page.getByRole("button", { name: `Actions for ${admin.user.name}` }).click();
  await expect(page.getByRole("menuitem", { name: "Delete account" })).toHaveCount(0);
  await page.getByRole("menuitem", { name: "This is you: go to your settings" }).click();
  await expect(page).toHaveURL(/\/settings$/);
});

test("the audit log tells in words who did what, and can be narrowed down", async ({
  page,
  person,
  admin,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await admin.portico.users.update(ada.user.id, { role: "ADMIN" });
  await admin.portico.users.update(ada.user.id, { role: "MEMBER" });
  await signIn(admin);
  await page.goto("/admin/audit-log");
  const log = page.getByRole("list", { name: "Audit log" });
  await expect(log.getByText("made Ada Lovelace an administrator").first()).toBeVisible();

  await page.goto(`/admin/audit-log?target=${ada.user.id}`);
  await expect(page.getByText("About Ada Lovelace")).toBeVisible();
  await expect(log.getByText("created their account")).toBeVisible();
  await log.getByText("made Ada Lovelace a member").click();
  await expect(log.getByText("user.updated").first()).toBeVisible();

  await page.getByLabel("Action").selectOption("Projects");
  await expect(page.getByText("Nothing was found")).toBeVisible();
  await expect(page).toHaveURL(/action=project\./);
  await page.getByRole("button", { name: "Show everything" }).click();
  await page.getByLabel("To", { exact: true }).fill("2020-01-01");
  await expect(page.getByText("Nothing was found")).toBeVisible();
});

test("what the audit log shows can be exported", async ({ page, person, admin, signIn }) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Engine" });
  await signIn(admin);
  await page.goto(`/admin/audit-log?actor=${ada.user.id}&action=project.`);
  await expect(page.getByRole("list", { name: "Audit log" }).getByRole("listitem")).toHaveCount(1);
  const started = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const download = await started;
  expect(download.suggestedFilename()).toMatch(/^audit-log-.*\.ndjson$/);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  expect(lines).toEqual([expect.stringContaining('"action":"project.created"')]);
});

test("a mail that was refused is seen with its reason, and is tried again", async ({ page }) => {
  const mailServer = await startMailServer();
  const program = await startProgram({ PORTICO_SMTP_URL: mailServer.url });
  const portico = createPortico({ baseUrl: program.url, storage: "memory" });
  await portico.auth.login(program.admin);
  const project = await portico.projects.create({ name: "Apollo" });
  await portico.projects.invitations.create(project.id, { email: "nobody@example.com", role: "MEMBER" });
  await portico.projects.invitations.create(project.id, { email: "hedy@example.com", role: "MEMBER" });
  await expect.poll(async () => (await portico.admin.mailJobs({ status: "DEAD" })).items.length).toBe(1);

  await page.request.post(`${program.url}/api/v1/auth/login`, { data: { ...program.admin, cookie: true } });
  await page.goto(`${program.url}/admin/mail-jobs`);
  const jobs = page.getByRole("list", { name: "Mail jobs" });
  await expect(jobs.getByText("to hedy@example.com")).toBeVisible();
  await page.getByLabel("Status").selectOption("Given up");
  await expect(page).toHaveURL(/status=DEAD/);
  await expect(jobs.getByText("to hedy@example.com")).toHaveCount(0);
  await expect(jobs.getByText("There is no such mailbox here", { exact: false })).toBeVisible();

  await page.getByRole("button", { name: "Retry the mail to nobody@example.com" }).click();
  await expect(page.getByText("The mail to nobody@example.com is tried again.")).toBeVisible();

  await program.stop();
  await mailServer.stop();
});
