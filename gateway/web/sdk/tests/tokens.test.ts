import { expect, test, vi } from "vitest";
import { NetworkError } from "../src/index.js";
import { aBrowser, aClient, anEmail, aProxy, failure, PASSWORD, register } from "./setting.js";

const refresh = ["POST", "/api/v1/auth/refresh"] as const;
const me = ["GET", "/api/v1/auth/me"] as const;
const MINUTE = 60_000;

test.for(["TOKEN_EXPIRED", "UNAUTHENTICATED", "TOKEN_REVOKED"])(
  "after %s the token is renewed and the call made once more",
  async (code) => {
    const proxy = await aProxy();
    const portico = aClient({ baseUrl: proxy.url });
    const user = await register(portico);
    proxy.next(...me, { status: 401, code });
    expect(await portico.auth.me()).toEqual(user);
    expect(proxy.count(...refresh)).toBe(1);
    const [first, second] = proxy.seen.filter(({ path }) => path === me[1]);
    expect(second?.headers.authorization).not.toBe(first?.headers.authorization);
  },
);

test("a second refusal is the caller's", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  const refusal = { status: 401, code: "TOKEN_EXPIRED" };
  proxy.next(...me, refusal, refusal);
  expect(await failure(portico.auth.me())).toMatchObject({ code: "TOKEN_EXPIRED" });
  expect(proxy.count(...refresh)).toBe(1);
});

test("a token is renewed before it expires, once for all calls", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  await portico.auth.me();
  expect(proxy.count(...refresh)).toBe(0);
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    vi.setSystemTime(Date.now() + 9.5 * MINUTE);
    await Promise.all([portico.auth.me(), portico.projects.list(), portico.auth.sessions.list()]);
    expect(proxy.count(...refresh)).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test("many refused at once renew once", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  const refusal = { status: 401, code: "TOKEN_EXPIRED" };
  proxy.next(...me, refusal, refusal, refusal, refusal);
  await Promise.all([1, 2, 3, 4].map(() => portico.auth.me()));
  expect(proxy.count(...refresh)).toBe(1);
});

test("a lost answer to a refresh signs nobody out", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  const user = await register(portico);
  proxy.next(...me, { status: 401, code: "TOKEN_EXPIRED" });
  proxy.next(...refresh, "unanswered");
  expect(await portico.auth.me()).toEqual(user);
});

test("without a connection for the refresh one stays signed in", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  const user = await register(portico);
  proxy.next(...me, { status: 401, code: "TOKEN_EXPIRED" });
  proxy.next(...refresh, "lost", "lost", "lost", "lost");
  expect(await failure(portico.auth.me())).toBeInstanceOf(NetworkError);
  expect(portico.session.getState()).toEqual({ status: "signedIn", user });
  expect(await portico.auth.me()).toEqual(user);
});

test("a session that was ended elsewhere ends here, with a word", async () => {
  const email = anEmail();
  const out = vi.fn();
  const portico = aClient({ onSignedOut: out });
  await portico.auth.register({ email, password: PASSWORD, name: "Ada" });
  const other = aClient();
  await other.auth.login({ email, password: PASSWORD });
  await other.auth.logoutAll();
  await vi.waitFor(async () => {
    await failure(portico.auth.me());
  }, 5_000);
  expect(portico.session.getState().status).toBe("signedOut");
  expect(out).toHaveBeenCalledExactlyOnceWith("ended");
});

test("no token is left where scripts can read it again", async () => {
  const portico = aClient({ fetch: aBrowser(), storage: "cookie" });
  await register(portico);
  expect(JSON.stringify(portico)).not.toContain("eyJ");
  expect(JSON.stringify(portico.session.getState())).not.toContain("eyJ");
});

test("tabs share who is signed in, and their tokens", async () => {
  const proxy = await aProxy();
  const fetch = aBrowser();
  const [one, other] = [1, 2].map(() => aClient({ baseUrl: proxy.url, fetch, storage: "cookie" }));
  if (one === undefined || other === undefined) {
    throw new Error("there are two");
  }
  const entered = new Promise((resolve) => other.session.subscribe(resolve));
  const user = await register(one);
  expect(await entered).toEqual({ status: "signedIn", user });
  expect(await other.auth.me()).toEqual(user);
  expect(proxy.count(...refresh)).toBe(0);

  const left = new Promise((resolve) => one.session.subscribe(resolve));
  await other.auth.logout();
  expect(await left).toEqual({ status: "signedOut", user: null });
});
