import { defineConfig } from "@playwright/test";
import { chromium } from "./tests/chromium.ts";

/** Takes a picture of every page in every size and theme, into `test-results/screenshots`, and measures how it loads. */
export default defineConfig({
  testDir: "tests",
  testMatch: "screenshots.ts",
  outputDir: "test-results/traces-of-screenshots",
  workers: 1,
  timeout: 600_000,
  reporter: [["list"]],
  use: chromium,
});
