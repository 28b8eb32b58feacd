import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

test.use({ serviceWorkers: "allow" });

/** The service worker has kept the client, and what was loaded is written down. */
async function kept(page: Page, words: string): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect
    .poll(() =>
      page.evaluate(
        (words) =>
          new Promise<boolean>((resolve, reject) => {
            const opening = indexedDB.open("portico");
            opening.onerror = () => {
              reject(new Error("there is no database"));
            };
            opening.onsuccess = () => {
              const reading = opening.result.transaction("kept").objectStore("kept").getAll();
              reading.onsuccess = () => {
                opening.result.close();
                resolve(JSON.stringify(reading.result).includes(words));
              };
            };
          }),
        words,
      ),
    )
    .toBe(true);
}

test("without a connection, the client opens and shows what was loaded last", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Analytical engine" });
  await signIn(ada);
  await page.goto("/projects");
  await expect(page.getByText("Analytical engine")).toBeVisible();
  await kept(page, "Analytical engine");

  await page.context().setOffline(true);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await expect(page.getByText("Analytical engine")).toBeVisible();
  await expect(page.getByText("Offline: showing what was loaded last, at", { exact: false })).toBeVisible();
  await expect(page.getByRole("button", { name: "Account" }).getByText("Ada Lovelace")).toBeVisible();

  // A page that this browser has never opened, too.
  await page.goto("/settings/security");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();

  await ada.portico.projects.create({ name: "Difference engine" });
  await page.goto("/projects");
  await page.context().setOffline(false);
  await expect(page.getByText("Difference engine")).toBeVisible();
  await expect(page.getByText("Offline", { exact: true })).toHaveCount(0);
});

test("what is sent without a connection says so, keeps what was typed, and is not sent later", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await signIn(ada);
  await page.goto("/projects?new=1");
  const dialog = page.getByRole("dialog", { name: "New project" });
  await dialog.getByLabel("Name").fill("Analytical engine");
  await page.context().setOffline(true);
  await dialog.getByRole("button", { name: "Create project" }).click();
  await expect(dialog.getByText("You are offline. Nothing was sent", { exact: false })).toBeVisible();
  await expect(dialog.getByLabel("Name")).toHaveValue("Analytical engine");

  await page.context().setOffline(false);
  await expect(page.getByText("Offline", { exact: true })).toHaveCount(0);
  expect((await ada.portico.projects.list()).items).toEqual([]);
  await dialog.getByRole("button", { name: "Create project" }).click();
  await expect(page.getByRole("heading", { name: "Analytical engine", level: 1 })).toBeVisible();
});

test("nobody sees what another person loaded, and signing out removes it", async ({
  page,
  person,
  signIn,
}) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Analytical engine" });
  await signIn(ada);
  await page.goto("/projects");
  await expect(page.getByText("Analytical engine")).toBeVisible();
  await kept(page, "Analytical engine");

  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await expect.poll(() => everythingKept(page)).toEqual([]);

  await signIn(await person("Bob Kahn"));
  await page.goto("/projects");
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await expect(page.getByText("Analytical engine")).toHaveCount(0);
  await page.context().setOffline(true);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await expect(page.getByText("Analytical engine")).toHaveCount(0);
});

test("nothing that must stay secret is kept", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Analytical engine" });
  await signIn(ada);
  await page.goto("/projects");
  await expect(page.getByText("Analytical engine")).toBeVisible();
  await kept(page, "Analytical engine");
  expect(JSON.stringify(await everythingKept(page))).not.toMatch(/eyJ|prt_|pak_|plk_|"token"|secret/);
  const elsewhere = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  expect(elsewhere).not.toMatch(/eyJ|prt_|pak_|plk_/);
});

test("the client keeps working while the network is slow", async ({ page, person, signIn }) => {
  const ada = await person("Ada Lovelace");
  await ada.portico.projects.create({ name: "Analytical engine" });
  await signIn(ada);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 50_000,
    uploadThroughput: 20_000,
  });
  await page.goto("/projects");
  await expect(page.getByText("Analytical engine")).toBeVisible({ timeout: 30_000 });
});

test.describe("before the worker has kept the release", () => {
  test.use({ serviceWorkers: "block" });

  test("a page that was opened with an older release loads again, once, where a file of it is gone", async ({
    page,
    person,
    signIn,
    unexpected,
  }) => {
    await signIn(await person("Ada Lovelace"));
    let documents = 0;
    page.on("request", (request) => {
      documents += request.isNavigationRequest() ? 1 : 0;
    });
    await page.route(/\/assets\/api-keys-.*\.js$/, async (route) => {
      await (documents === 1 ? route.fulfill({ status: 404 }) : route.continue());
    });
    await page.goto("/settings/security");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.getByRole("link", { name: "API keys" }).click();
    await expect(page.getByRole("button", { name: "New API key" })).toBeVisible();
    await expect(page).toHaveURL(/\/settings\/api-keys$/);
    expect(documents).toBe(2);
    for (const complaint of unexpected.splice(0)) {
      expect(complaint).toContain("Failed to fetch dynamically imported module");
    }
  });
});

function everythingKept(page: Page): Promise<unknown[]> {
  return page.evaluate(
    () =>
      new Promise<unknown[]>((resolve) => {
        const opening = indexedDB.open("portico");
        opening.onsuccess = () => {
          const reading = opening.result.transaction("kept").objectStore("kept").getAll();
          reading.onsuccess = () => {
            opening.result.close();
            resolve(reading.result);
          };
        };
      }),
  );
}
