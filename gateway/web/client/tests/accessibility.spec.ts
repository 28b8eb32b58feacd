import type { Page } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScrolling } from "./accessible.ts";
import { expect, test as base } from "./fixtures.ts";
import { startMailServer } from "./mail-server.ts";
import { startProgram, type Program } from "./program.ts";
import { seed } from "./seed.ts";
import { pagesInside, pagesOutside } from "./pages.ts";

/** One installation with much in it, for all of these tests. */
const test = base.extend<object, { program: Program }>({
  program: [
    async ({}, use) => {
      const mailServer = await startMailServer();
      const program = await startProgram({ PORTICO_SMTP_URL: mailServer.url });
      await seed(program);
      await use(program);
      await program.stop();
      await mailServer.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],
});

for (const [name, address] of Object.entries(pagesOutside)) {
  test(`everybody can use the page ${name}`, async ({ page }) => {
    await page.goto(address);
    await expectUsable(page);
  });
}

for (const [name, address] of Object.entries(pagesInside)) {
  test(`everybody who is signed in can use the page ${name}`, async ({ page, admin, signIn }) => {
    await signIn(admin);
    await page.goto(address);
    await expectUsable(page);
  });
}

test("everybody can use the pages on a phone", async ({ page, admin, signIn }) => {
  await signIn(admin);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const address of ["/dashboard", "/projects/apollo-11/members", "/admin/users"]) {
    await page.goto(address);
    await loaded(page);
    await expectAccessible(page);
  }
});

test("the palette and the list of shortcuts can be used by everybody", async ({ page, admin, signIn }) => {
  await signIn(admin);
  await page.goto("/admin/users");
  await loaded(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("option").first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("combobox").fill("nothing is called so");
  await expect(page.getByText("Nothing was found.")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await expectAccessible(page);
});

test("menus and dialogs can be used by everybody", async ({ page, admin, signIn }) => {
  await signIn(admin);
  await page.goto("/admin/users");
  await loaded(page);
  await page.getByRole("button", { name: "Create user" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Create user" }).click();
  await expect(page.getByRole("dialog").getByText("This is needed.").first()).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Actions for Grace Hopper" }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await expectAccessible(page);
});

test("everything is done by keyboard alone", async ({ page, program }) => {
  await page.goto("/login");
  await page.getByLabel("Email").focus();
  await page.keyboard.type(program.admin.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(program.admin.password);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/dashboard$/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();

  // The first thing to reach leads past the navigation.
  await page.goto("/dashboard");
  await loaded(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#content")).toBeFocused();

  // Whoever goes somewhere arrives at its heading.
  await page.getByRole("link", { name: "Projects", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeFocused();

  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New project" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await page.keyboard.type("By keyboard alone");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "By keyboard alone", level: 1 })).toBeVisible();

  // A menu, a dialog, and back to where one came from.
  await page.goto("/admin/users?q=Grace");
  const actions = page.getByRole("button", { name: "Actions for Grace Hopper" });
  await actions.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Sign-in history" })).toBeFocused();
  await page.keyboard.type("make");
  await expect(page.getByRole("menuitem", { name: "Make an administrator" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Make Grace Hopper an administrator?" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(actions).toBeFocused();
});

test("nothing moves for those who want it so", async ({ page, admin, signIn }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signIn(admin);
  await page.goto("/admin/users");
  await loaded(page);
  await page.getByRole("button", { name: "Create user" }).click();
  const durations = await page.evaluate(() =>
    document.getAnimations().map(({ effect }) => Number(effect?.getComputedTiming().duration ?? 0)),
  );
  expect(durations.filter((duration) => duration > 1)).toEqual([]);
});

async function loaded(page: Page): Promise<void> {
  // Also where a dialog stands before it.
  await expect(page.locator("h1")).toBeVisible();
  await expect(page.getByText("Loading", { exact: true })).toHaveCount(0);
}

/** By everybody, also on the smallest phone, and where everything is shown twice as large. */
async function expectUsable(page: Page): Promise<void> {
  await loaded(page);
  await expectAccessible(page);
  // A window of 1280 pixels at 200 % is as one of 640.
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 640 });
    await expectNoSidewaysScrolling(page);
  }
}
