import { createServer } from "vite";
import type { router } from "../src/app/router.tsx";
import { expect, test } from "./fixtures.ts";

test("the gateway knows every address of the client", async ({ request }) => {
  for (const address of await addresses()) {
    const response = await request.get(address, { headers: { accept: "text/html" } });
    expect(response.status(), address).toBe(200);
    expect(await response.text(), address).toContain('<div id="root">');
  }
});

test("an address that nothing is at has a page that says so", async ({ page }) => {
  const response = await page.goto("/nothing/here");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "Page not found", level: 1 })).toBeVisible();
});

test("what a page loads is compressed, and kept for the next visit", async ({ page }) => {
  await page.goto("/login");
  const loaded = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((entry) => entry instanceof PerformanceResourceTiming)
        .filter((entry) => /\/assets\/.*\.(js|css)$/.test(entry.name))
        .map(({ name, transferSize, encodedBodySize, decodedBodySize }) => ({
          name,
          transferred: transferSize > 0,
          compressed: encodedBodySize < decodedBodySize,
        })),
    );
  const first = await loaded();
  expect(first.length).toBeGreaterThan(1);
  expect(first.filter(({ transferred }) => !transferred)).toEqual([]);
  await page.goto("/register");
  const second = (await loaded()).filter(({ name }) => first.some((before) => before.name === name));
  expect(second.filter(({ transferred }) => transferred)).toEqual([]);
  expect(first.some(({ compressed }) => compressed)).toBe(true);
});

/** Every address in the client's router, which is loaded as in a page. */
async function addresses(): Promise<string[]> {
  const vite = await createServer({
    server: { middlewareMode: true, ws: false },
    optimizeDeps: { noDiscovery: true },
    logLevel: "error",
  });
  Object.assign(globalThis, { location: new URL("http://localhost") });
  try {
    const client = (await vite.ssrLoadModule("/src/app/router.tsx")) as { router: typeof router };
    return Object.keys(client.router.routesByPath).map((path) => path.replaceAll(/\$\w+/g, "somewhere"));
  } finally {
    Reflect.deleteProperty(globalThis, "location");
    await vite.close();
  }
}
