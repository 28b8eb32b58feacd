import { test as base, expect, type Browser, type Page } from "@playwright/test";
import { createPortico, type Portico, type User } from "@portico/sdk";
import { randomUUID } from "node:crypto";
import { startProgram, type Program } from "./program.ts";

/** Somebody with an account, and a connection of their own to Portico. */
export interface Person {
  email: string;
  password: string;
  user: User;
  portico: Portico;
}

interface Fixtures {
  /** Makes a person with an account. */
  person: (name?: string) => Promise<Person>;
  /** The administrator that the installation began with. */
  admin: Person;
  /** Opens a page of another browser, in which this person is signed in; without one, nobody. */
  open: (person?: Person) => Promise<Page>;
  /** Signs this person in, in the browser of the test's own page. */
  signIn: (person: Pick<Person, "email" | "password">, page?: Page) => Promise<void>;
  /** Starts another installation, with these settings, for this test alone. */
  startWith: (settings: Record<string, string>) => Promise<Program>;
  /** Waits for a mail to this address with this in its subject: its text. */
  mail: (to: string, subject: string) => Promise<string>;
}

export const test = base.extend<Fixtures & { unexpected: string[] }, { program: Program }>({
  program: [
    async ({}, use) => {
      const program = await startProgram();
      await use(program);
      await program.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  baseURL: async ({ program }, use) => {
    await use(program.url);
  },

  person: async ({ program }, use) => {
    await use(async (name = "Ada Lovelace") => {
      const email = `${name.split(" ")[0]?.toLowerCase() ?? "somebody"}-${randomUUID().slice(0, 8)}@example.com`;
      const password = "the right battery staple";
      const portico = createPortico({ baseUrl: program.url, storage: "memory" });
      const made = await portico.auth.register({ email, password, name });
      if (made.status !== "signedIn") {
        throw new Error(`registering ended as ${made.status}`);
      }
      return { email, password, user: made.user, portico };
    });
  },

  admin: async ({ program }, use) => {
    const portico = createPortico({ baseUrl: program.url, storage: "memory" });
    const made = await portico.auth.login(program.admin);
    if (made.status !== "signedIn") {
      throw new Error(`signing the administrator in ended as ${made.status}`);
    }
    await use({ ...program.admin, user: made.user, portico });
  },

  signIn: async ({ page: own, program }, use) => {
    await use(async ({ email, password }, page = own) => {
      await signInBrowser(page, program, email, password);
    });
  },

  open: async ({ browser, program, unexpected }, use) => {
    const opened: Page[] = [];
    await use(async (person) => {
      const page = await openPage(browser, program, unexpected);
      opened.push(page);
      if (person !== undefined) {
        await signInBrowser(page, program, person.email, person.password);
      }
      return page;
    });
    await Promise.all(opened.map((page) => page.context().close()));
  },

  startWith: async ({ page }, use) => {
    const started: Program[] = [];
    await use(async (settings) => {
      const program = await startProgram(settings);
      started.push(program);
      return program;
    });
    // The page lets go of them first: it would complain of what it can no longer reach.
    await page.goto("about:blank");
    await Promise.all(started.map((program) => program.stop()));
  },

  mail: async ({ program }, use) => {
    await use((to, subject) => waitForMail(program, to, subject));
  },

  // Whatever the browser's console complains about fails the test, in every test.
  unexpected: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      listen(page, complaints);
      await use(complaints);
      expect(complaints, "complaints in the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Waits until this installation has sent a mail to this address with this in its subject: the text of the newest. */
export async function waitForMail(program: Program, to: string, subject: string): Promise<string> {
  let text = "";
  await expect
    .poll(async () => (text = await findMail(program, to, subject)), {
      message: `a mail "${subject}" to ${to}`,
      timeout: 20_000,
    })
    .not.toBe("");
  return text;
}

/** The link in a mail. */
export function linkOf(mail: string): string {
  const link = /https?:\/\/\S+/.exec(mail)?.[0];
  if (link === undefined) {
    throw new Error(`no link in the mail:\n${mail}`);
  }
  return link;
}

function listen(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Chromium reports each answer of 4xx, and that there is no connection, by itself: both are part of what is tested.
    const isExpected = /^Failed to load resource|net::ERR_INTERNET_DISCONNECTED/.test(message.text());
    if (message.type() === "error" && !isExpected) {
      complaints.push(message.text());
    }
  });
}

async function openPage(browser: Browser, program: Program, complaints: string[]): Promise<Page> {
  const context = await browser.newContext({ baseURL: program.url });
  const page = await context.newPage();
  listen(page, complaints);
  return page;
}

async function signInBrowser(page: Page, program: Program, email: string, password: string): Promise<void> {
  const response = await page.request.post(`${program.url}/api/v1/auth/login`, {
    data: { email, password, cookie: true },
  });
  expect(response.status(), "the sign-in by the API").toBe(200);
}

async function findMail(program: Program, to: string, subject: string): Promise<string> {
  const list = await (await fetch(`${program.url}/dev/mailbox`)).text();
  const row = list.split("<tr>").find((row) => row.includes(`<td>${to}</td>`) && row.includes(subject));
  const path = row && /href="([^"]+)"/.exec(row)?.[1];
  if (!path) {
    return "";
  }
  const letter = await (await fetch(program.url + path)).text();
  const text = /<pre>([^]*)<\/pre>/.exec(letter)?.[1] ?? "";
  return text.replaceAll(/<[^>]*>/g, "").replaceAll("&amp;", "&");
}
