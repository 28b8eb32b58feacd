// Two tabs of a real browser: they share a cookie, a lock and a channel, which Node does not have all.
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, startProgram, type Program } from "./program.js";
import { Proxy } from "./proxy.js";

const refresh = ["POST", "/api/v1/auth/refresh"] as const;
let program: Program;
let proxy: Proxy;
let browser: Browser;

beforeAll(async () => {
  const port = await freePort();
  program = await startProgram({ PORTICO_PUBLIC_URL: `http://localhost:${port}` });
  proxy = await Proxy.start(program.url, port);
  proxy.serve(
    "/tab.html",
    "text/html",
    "<!doctype html><title>Tab</title><script type=module src=/tab.js></script>",
  );
  proxy.serve("/tab.js", "text/javascript", await bundle());
  browser = await chromium.launch({
    executablePath: process.env.PORTICO_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await proxy.stop();
  await program.stop();
});

/** The SDK as a script, with a client of the page at `window.portico`. */
async function bundle(): Promise<string> {
  const entry = "virtual:tab";
  const built = await build({
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "tab",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) =>
          id === entry
            ? `import { createPortico } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).pathname)};
               window.portico = createPortico();`
            : null,
      },
    ],
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: entry, output: { codeSplitting: false } },
    },
  });
  const { output } = Array.isArray(built)
    ? (built[0] ?? { output: [] })
    : "output" in built
      ? built
      : { output: [] };
  const chunk = output.find((each) => each.type === "chunk");
  if (chunk?.type !== "chunk") {
    throw new Error("nothing was built");
  }
  return chunk.code;
}

async function tab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${proxy.url}/tab.html`);
  await page.waitForFunction("window.portico !== undefined");
  return page;
}

const REGISTER = `portico.auth.register({ email: crypto.randomUUID() + "@example.com", password: "a password of tests", name: "Ada" })`;
const STATUS = "portico.session.getState().status";

test("tabs sign in and out together, and one refreshes for all", async () => {
  const context = await browser.newContext();
  const [one, other] = [await tab(context), await tab(context)];
  await one.evaluate(REGISTER);
  await other.waitForFunction(`${STATUS} === "signedIn"`);
  expect(proxy.count(...refresh)).toBe(0);
  expect(await one.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")).toBe(
    '[{},{},""]',
  );

  // Both need another token at the same time; the answer to the first refresh takes long.
  let go: (() => void) | undefined;
  const after = new Promise<void>((resolve) => (go = resolve));
  const refusal = { status: 401, code: "TOKEN_EXPIRED" };
  proxy.next("GET", "/api/v1/auth/me", refusal, refusal);
  proxy.next(...refresh, { after });
  const asked = proxy.comes(...refresh);
  const calls = [one, other].map((page) => page.evaluate("portico.auth.me()"));
  await asked;
  await other.waitForFunction("navigator.locks.query().then(({ pending }) => pending.length === 1)");
  go?.();
  await Promise.all(calls);
  expect(proxy.count(...refresh)).toBe(1);

  await other.evaluate("portico.auth.logout()");
  await one.waitForFunction(`${STATUS} === "signedOut"`);
  await context.close();
});

test("a page that is opened again knows who was signed in", async () => {
  const context = await browser.newContext();
  const page = await tab(context);
  await page.evaluate(REGISTER);
  await page.reload();
  await page.waitForFunction("window.portico !== undefined");
  expect(await page.evaluate(STATUS)).toBe("unknown");
  expect(await page.evaluate("portico.auth.restore().then(({ name }) => name)")).toBe("Ada");
  await context.close();
});

test("a passkey is made, and signs in", async () => {
  const context = await browser.newContext();
  const page = await tab(context);
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  await page.evaluate(REGISTER);
  expect(await page.evaluate(`portico.auth.passkeys.register("Laptop").then(({ name }) => name)`)).toBe(
    "Laptop",
  );
  expect(await page.evaluate("portico.auth.reauthenticateWithPasskey()")).toHaveProperty("validUntil");
  await page.evaluate("portico.auth.logout()");
  expect(await page.evaluate("portico.auth.loginWithPasskey()")).toMatchObject({ status: "signedIn" });
  await context.close();
});
