/** On a poor connection people see at once what will be where, and nothing moves when it comes. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { proveEmail } from "./people.ts";

declare global {
  interface Window {
    /** How much has moved in the page without anybody having done something. */
    shifted: number;
  }
}

async function slowDown(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 500,
    downloadThroughput: 200_000,
    uploadThroughput: 100_000,
  });
}

async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        window.shifted += "value" in entry && typeof entry.value === "number" ? entry.value : 0;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

test("skeletons stand where things will be", async ({ page, person, signIn, mail }) => {
  const ada = await person("Ada Lovelace");
  for (let number = 1; number <= 8; number++) {
    await ada.portico.projects.create({
      name: `Engine ${number}`,
      slug: `${ada.user.id.slice(-12)}-${number}`,
    });
  }
  await proveEmail(ada, mail);
  const slug = `${ada.user.id.slice(-12)}-8`;
  await signIn(ada);
  await watchShifts(page);
  await slowDown(page);
  const loading = page.getByRole("status").filter({ hasText: "Loading" }).first();

  for (const [path, ready] of [
    ["/projects", page.getByRole("link", { name: /^Engine 8/ })],
    ["/invitations", page.getByText("No invitations")],
    ["/dashboard", page.getByRole("link", { name: /^Engine 8/ })],
    [`/projects/${slug}`, page.getByRole("list", { name: "People" })],
    [`/projects/${slug}/members`, page.getByText("Nobody is invited at the moment")],
  ] as const) {
    // All may be there when the last file of the page is.
    await page.goto(path, { waitUntil: "commit" });
    await expect(loading, `${path} shows that it loads`).toBeAttached();
    await expect(ready).toBeVisible({ timeout: 30_000 });
    expect(await page.evaluate(() => window.shifted), `what moved at ${path}`).toBeLessThan(0.05);
  }
});

test("a new project is made on a slow connection once, however often one presses", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await signIn(ada);
  await slowDown(page);
  await page.goto("/projects?new=1");
  await page.getByLabel("Name").fill("Engine");
  const create = page.getByRole("button", { name: "Create project" });
  await create.dblclick();
  await expect(page.getByRole("heading", { name: "Engine", level: 1 })).toBeVisible();
  expect((await ada.portico.projects.list()).items).toHaveLength(1);
});
