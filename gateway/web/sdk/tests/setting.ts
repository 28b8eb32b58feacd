import { inject, onTestFinished } from "vitest";
import { createPortico, type Portico, type PorticoOptions, type User } from "../src/index.js";
import { freePort } from "./program.js";
import { Proxy } from "./proxy.js";

/** A proxy of this test alone, in front of the program. */
export async function aProxy(target: string = inject("url")): Promise<Proxy> {
  const proxy = await Proxy.start(target, await freePort());
  onTestFinished(() => proxy.stop());
  return proxy;
}

/** A client of this test alone. */
export function aClient(options: PorticoOptions = {}): Portico {
  const portico = createPortico({ baseUrl: inject("url"), ...options });
  onTestFinished(() => {
    portico.close();
  });
  return portico;
}

export const PASSWORD = "a password of tests";

let people = 0;

export function anEmail(): string {
  people += 1;
  return `person-${people}-${crypto.randomUUID()}@example.com`;
}

/** Makes an account, and signs in with it. */
export async function register(portico: Portico, name = "Ada"): Promise<User> {
  const result = await portico.auth.register({ email: anEmail(), password: PASSWORD, name });
  if (result.status !== "signedIn") {
    throw new Error("the program wants a verified address");
  }
  return result.user;
}

/** What an action fails with. */
export async function failure(action: Promise<unknown>): Promise<unknown> {
  try {
    await action;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

/** A browser's cookies, for `fetch` in all its tabs. */
export function aBrowser(): (request: Request) => Promise<Response> {
  let cookie: string | null = null;
  return async (request) => {
    const sent = new Request(request);
    if (cookie !== null && new URL(request.url).pathname.startsWith("/api/v1/auth")) {
      sent.headers.set("cookie", cookie);
    }
    const response = await fetch(sent);
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split("; ");
      cookie = attributes.includes("Max-Age=0") ? null : pair;
    }
    return response;
  };
}
