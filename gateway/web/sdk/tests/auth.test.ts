import { expect, test, vi } from "vitest";
import { NetworkError } from "../src/index.js";
import { aBrowser, aClient, anEmail, aProxy, failure, PASSWORD, register } from "./setting.js";

test("somebody registers, signs out and signs in again", async () => {
  const out = vi.fn();
  const portico = aClient({ onSignedOut: out });
  expect(portico.session.getState()).toEqual({ status: "unknown", user: null });
  const user = await register(portico, "Grace");
  expect(portico.session.getState()).toEqual({ status: "signedIn", user });
  expect(await portico.auth.me()).toEqual(user);

  await portico.auth.logout();
  expect(portico.session.getState()).toEqual({ status: "signedOut", user: null });
  expect(out).toHaveBeenCalledExactlyOnceWith("asked");
  expect(await failure(portico.auth.me())).toMatchObject({ code: "UNAUTHENTICATED", status: 401 });

  const result = await portico.auth.login({ email: user.email, password: PASSWORD });
  expect(result).toMatchObject({ status: "signedIn", user: { id: user.id } });
});

test("a refusal has a code, its fields and the request's id", async () => {
  const portico = aClient();
  const refused = await failure(portico.auth.register({ email: "no", password: PASSWORD, name: "" }));
  expect(refused).toMatchObject({
    name: "PorticoError",
    code: "VALIDATION_FAILED",
    status: 400,
    requestId: expect.stringMatching(/./) as string,
    retryAfter: null,
  });
  expect(refused).toHaveProperty(
    "fields",
    expect.arrayContaining([expect.objectContaining({ field: "email", code: "EMAIL_INVALID" })]),
  );
});

test("wrong credentials are no reason to refresh", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  const user = await register(portico);
  const wrong = portico.auth.login({ email: user.email, password: "another password" });
  expect(await failure(wrong)).toMatchObject({ code: "INVALID_CREDENTIALS" });
  expect(proxy.count("POST", "/api/v1/auth/refresh")).toBe(0);
  expect(portico.session.getState().status).toBe("signedIn");
});

test("by the cookie it is known at the start who is signed in", async () => {
  const fetch = aBrowser();
  const before = aClient({ fetch, storage: "cookie" });
  const user = await register(before);
  before.close();

  const after = aClient({ fetch, storage: "cookie" });
  expect(await Promise.all([after.auth.restore(), after.auth.restore()])).toEqual([user, user]);
  expect(after.session.getState()).toEqual({ status: "signedIn", user });
});

test("without a cookie nobody is signed in", async () => {
  const portico = aClient({ fetch: aBrowser(), storage: "cookie" });
  expect(await portico.auth.restore()).toBeNull();
  expect(portico.session.getState().status).toBe("signedOut");
});

test("without a connection it stays unknown who is signed in", async () => {
  const proxy = await aProxy();
  const fetch = aBrowser();
  const before = aClient({ baseUrl: proxy.url, fetch, storage: "cookie" });
  const user = await register(before);
  before.close();

  const after = aClient({ baseUrl: proxy.url, fetch, storage: "cookie" });
  proxy.next("POST", "/api/v1/auth/refresh", "lost", "lost", "lost", "lost");
  expect(await failure(after.auth.restore())).toBeInstanceOf(NetworkError);
  expect(after.session.getState().status).toBe("unknown");
  expect(await after.auth.restore()).toEqual(user);
});

test("what one changes of oneself is known at once", async () => {
  const portico = aClient();
  const user = await register(portico);
  const changed = await portico.users.update(user.id, { name: "Ada L." }, { etag: user.etag });
  expect(portico.session.getState().user).toEqual(changed);
  const late = portico.users.update(user.id, { name: "Late" }, { etag: user.etag });
  expect(await failure(late)).toMatchObject({ code: "ETAG_MISMATCH", status: 412 });
});

test("whoever deletes the own account is signed out", async () => {
  const portico = aClient();
  const user = await register(portico);
  await portico.users.remove(user.id);
  expect(portico.session.getState().status).toBe("signedOut");
  const again = portico.auth.login({ email: user.email, password: PASSWORD });
  expect(await failure(again)).toMatchObject({ code: "INVALID_CREDENTIALS" });
});

test("there are no factors beside the password at first", async () => {
  const portico = aClient();
  await register(portico);
  expect(await portico.auth.mfa.factors()).toEqual({ totp: false, recoveryCodesLeft: 0, passkeys: 0 });
  expect((await portico.auth.mfa.beginTotp()).otpauthUrl).toMatch(/^otpauth:/);
});

test("a password is judged before it is taken", async () => {
  const portico = aClient();
  const email = anEmail();
  expect(await portico.auth.password.strength({ password: "password", email })).toMatchObject({
    acceptable: false,
  });
});
