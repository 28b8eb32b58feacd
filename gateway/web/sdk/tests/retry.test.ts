import { expect, test } from "vitest";
import { NetworkError } from "../src/index.js";
import { aClient, aProxy, failure, register } from "./setting.js";

const list = ["GET", "/api/v1/projects"] as const;
const create = ["POST", "/api/v1/projects"] as const;

async function signedIn() {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  return { proxy, portico };
}

test.for([502, 503, 504, 429])("a reading call is made again after %i", async (status) => {
  const { proxy, portico } = await signedIn();
  proxy.next(...list, { status }, { status });
  expect((await portico.projects.list()).items).toEqual([]);
  expect(proxy.count(...list)).toBe(3);
});

test("a reading call is made again without an answer, and given up after three more", async () => {
  const { proxy, portico } = await signedIn();
  proxy.next(...list, "lost", "unanswered");
  await portico.projects.list();
  expect(proxy.count(...list)).toBe(3);

  proxy.next(...list, "lost", "lost", "lost", "lost");
  expect(await failure(portico.projects.list())).toBeInstanceOf(NetworkError);
  expect(proxy.count(...list)).toBe(7);
});

test("a refusal that does not pass is not asked for again", async () => {
  const { proxy, portico } = await signedIn();
  proxy.next(...list, { status: 500, code: "INTERNAL_ERROR" });
  expect(await failure(portico.projects.list())).toMatchObject({ code: "INTERNAL_ERROR", status: 500 });
  expect(proxy.count(...list)).toBe(1);
});

test("a creation without an answer is made again under its key, and made once", async () => {
  const { proxy, portico } = await signedIn();
  proxy.next(...create, "unanswered", { status: 503 });
  const project = await portico.projects.create({ name: "Engine" });
  const sent = proxy.seen.filter(({ method, path }) => method === "POST" && path === create[1]);
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  expect((await portico.projects.list()).items).toEqual([project]);
});

test("two creations are two, unless they have one key", async () => {
  const { proxy, portico } = await signedIn();
  const [one, other] = await Promise.all([1, 2].map(() => portico.projects.create({ name: "Engine" })));
  expect(one?.id).not.toBe(other?.id);
  const keys = proxy.seen.map(({ headers }) => headers["idempotency-key"]);
  expect(new Set(keys).size).toBe(keys.length);

  const options = { idempotencyKey: crypto.randomUUID() };
  const first = await portico.projects.create({ name: "Same" }, options);
  expect(await portico.projects.create({ name: "Same" }, options)).toEqual(first);
  const reused = portico.projects.create({ name: "Different" }, options);
  expect(await failure(reused)).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
});

test("a change that may not be made twice is not made again", async () => {
  const { proxy, portico } = await signedIn();
  const project = await portico.projects.create({ name: "Engine" });
  const path = `/api/v1/projects/${project.id}`;
  proxy.next("PATCH", path, { status: 503 });
  expect(await failure(portico.projects.update(project.id, { name: "Other" }))).toMatchObject({
    code: "SERVICE_UNAVAILABLE",
  });
  proxy.next("POST", `${path}/archive`, "lost");
  expect(await failure(portico.projects.archive(project.id))).toBeInstanceOf(NetworkError);
  expect(proxy.count("PATCH", path)).toBe(1);
  expect(proxy.count("POST", `${path}/archive`)).toBe(1);
});

test("the gateway says how long to wait", async () => {
  const { proxy, portico } = await signedIn();
  proxy.next(...list, { status: 429, code: "RATE_LIMITED", headers: { "retry-after": "1" } });
  const before = performance.now();
  await portico.projects.list();
  expect(performance.now() - before).toBeGreaterThanOrEqual(990);

  proxy.next(...list, { status: 503, headers: { "retry-after": "31" } });
  expect(await failure(portico.projects.list())).toMatchObject({ status: 503, retryAfter: 31 });
});

test("a proxy's own page is an error like others", async () => {
  const { proxy, portico } = await signedIn();
  proxy.next(...list, { status: 413, page: "<h1>Too large</h1>" });
  expect(await failure(portico.projects.list())).toMatchObject({
    name: "PorticoError",
    code: "PAYLOAD_TOO_LARGE",
    status: 413,
    details: null,
  });
});

test("a call ends when its caller wants, also while it waits for the next attempt", async () => {
  const { proxy, portico } = await signedIn();
  const controller = new AbortController();
  proxy.next(...list, { status: 503, headers: { "retry-after": "20" } });
  const call = portico.projects.list({}, { signal: controller.signal });
  const came = proxy.comes(...list);
  const reason = new Error("enough");
  await came;
  controller.abort(reason);
  expect(await failure(call)).toBe(reason);
  expect(proxy.count(...list)).toBe(1);

  expect(await failure(portico.projects.list({}, { signal: AbortSignal.abort(reason) }))).toBe(reason);
});
