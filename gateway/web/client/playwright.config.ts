import { defineConfig } from "@playwright/test";
import { chromium } from "./tests/chromium.ts";

/** Drives every page in a browser, against a Portico of its own for each worker. */
export default defineConfig({
  testDir: "tests",
  testMatch: "**/*.spec.ts",
  // Beside the pictures, which stay.
  outputDir: "test-results/traces",
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  // A service worker fetches past the routes of a test, from whenever it is there on.
  use: { ...chromium, serviceWorkers: "block", trace: "retain-on-failure" },
});
