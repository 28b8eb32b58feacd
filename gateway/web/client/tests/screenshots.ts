/** Pictures of every page, in every size and theme, to be looked at; and how each loads. */
import { expect, test, type Browser, type Page } from "@playwright/test";
import { writeFile } from "node:fs/promises";
import { startMailServer } from "./mail-server.ts";
import { pagesInside, pagesOutside } from "./pages.ts";
import { startProgram, type Program } from "./program.ts";
import { seed } from "./seed.ts";

const directory = "test-results/screenshots";
const sizes = [
  { width: 390, height: 844 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
];

test("every page", async ({ browser }) => {
  const mailServer = await startMailServer();
  const program = await startProgram({ PORTICO_SMTP_URL: mailServer.url });
  try {
    await seed(program);
    const measured: Measured[] = [];
    for (const size of sizes) {
      for (const colorScheme of ["light", "dark"] as const) {
        measured.push(...(await photograph(browser, program, { size, colorScheme })));
      }
    }
    await writeFile(`${directory}/measured.json`, JSON.stringify(measured, null, 2));
    const slowest = measured.toSorted((one, other) => other.firstPaint - one.firstPaint)[0];
    console.log(`${measured.length} pictures; the slowest first paint: ${JSON.stringify(slowest)}`);
    expect(measured.filter(({ shift }) => shift >= 0.05)).toEqual([]);
  } finally {
    await program.stop();
    await mailServer.stop();
  }
});

interface Measured {
  page: string;
  /** How much moved after it was shown: the cumulative layout shift. */
  shift: number;
  /** When something was first shown, in milliseconds. */
  firstPaint: number;
}

interface Look {
  size: { width: number; height: number };
  colorScheme: "light" | "dark";
}

async function photograph(
  browser: Browser,
  program: Program,
  { size, colorScheme }: Look,
): Promise<Measured[]> {
  const context = await browser.newContext({
    baseURL: program.url,
    viewport: size,
    colorScheme,
    hasTouch: size.width < 768,
    isMobile: size.width < 768,
  });
  const page = await context.newPage();
  const measured: Measured[] = [];
  const all = async (pages: Record<string, string>) => {
    for (const [name, address] of Object.entries(pages)) {
      await page.goto("about:blank");
      await page.goto(address);
      await settled(page);
      if (address.includes("new=1")) {
        await expect(page.getByRole("dialog")).toBeVisible();
      }
      const file = `${name}-${size.width}-${colorScheme}`;
      measured.push({ page: file, ...(await measure(page)) });
      // A window as high as the page: what is fixed to its edges stands there in the picture too.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: size.width, height: Math.max(height, size.height) });
      await page.screenshot({ path: `${directory}/${file}.png`, animations: "disabled" });
      await page.setViewportSize(size);
    }
  };
  await all(pagesOutside);
  const entered = await page.request.post("/api/v1/auth/login", { data: { ...program.admin, cookie: true } });
  expect(entered.status()).toBe(200);
  await all(pagesInside);

  await page.goto("/dashboard");
  await settled(page);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page.getByRole("option").first()).toBeVisible();
  await page.screenshot({
    path: `${directory}/palette-${size.width}-${colorScheme}.png`,
    animations: "disabled",
  });
  await context.close();
  return measured;
}

/** Everything is there, and nothing moves any more. */
async function settled(page: Page): Promise<void> {
  await expect(page.locator("h1")).toBeVisible();
  await expect(page.getByText("Loading", { exact: true })).toHaveCount(0);
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(resolve));
      }),
  );
}

async function measure(page: Page): Promise<Omit<Measured, "page">> {
  return page.evaluate(async () => {
    const shifts = await new Promise<PerformanceEntryList>((resolve) => {
      const observer = new PerformanceObserver((list) => {
        resolve(list.getEntries());
      });
      observer.observe({ type: "layout-shift", buffered: true });
      // Where nothing moved, nothing is reported.
      setTimeout(() => {
        resolve([]);
      }, 100);
    });
    const shift = shifts.reduce(
      (sum, entry) => sum + ("value" in entry && typeof entry.value === "number" ? entry.value : 0),
      0,
    );
    const firstPaint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
    return { shift: Math.round(shift * 1000) / 1000, firstPaint: Math.round(firstPaint) };
  });
}
