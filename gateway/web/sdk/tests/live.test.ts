import { expect, inject, onTestFinished, test } from "vitest";
import type { LiveEvent, LiveEventName, LivePayloads, Portico } from "../src/index.js";
import { startProgram } from "./program.js";
import { aClient, anEmail, aProxy, failure, PASSWORD, register } from "./setting.js";

/** Listens, and remembers what came. */
function listen(portico: Portico) {
  const events: LiveEvent[] = [];
  const waiting = new Set<(event: LiveEvent) => void>();
  const unsubscribe = portico.live.subscribe((event) => {
    events.push(event);
    for (const wake of [...waiting]) {
      wake(event);
    }
  });
  return {
    events,
    unsubscribe,
    /** The next event of that name. */
    next: (name: LiveEventName) =>
      new Promise<LivePayloads[LiveEventName]>((resolve) => {
        const wake = (event: LiveEvent) => {
          if (event.name === name) {
            waiting.delete(wake);
            resolve(event.payload);
          }
        };
        waiting.add(wake);
      }),
  };
}

/** Waits until live changes are in that state. */
async function becomes(portico: Portico, status: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const check = (state: string) => {
      if (state === status) {
        unsubscribe();
        resolve();
      }
    };
    const unsubscribe = portico.live.status.subscribe(check);
    check(portico.live.status.getState());
  });
}

test("a change arrives, typed by its name", async () => {
  const portico = aClient();
  await register(portico);
  const project = await portico.projects.create({ name: "Engine" });
  const { next } = listen(portico);
  await portico.live.join(project.id);
  const updated = next("project:updated");
  await portico.projects.update(project.id, { name: "Analytical Engine" });
  expect(await updated).toMatchObject({ id: project.id, name: "Analytical Engine", myRole: null });
});

test("one connects for the first listener, and lets go after the last", async () => {
  const portico = aClient();
  await register(portico);
  expect(portico.live.status.getState()).toBe("offline");
  const [one, other] = [listen(portico), listen(portico)];
  expect(portico.live.status.getState()).toBe("connecting");
  await becomes(portico, "connected");
  one.unsubscribe();
  expect(portico.live.status.getState()).toBe("connected");
  other.unsubscribe();
  expect(portico.live.status.getState()).toBe("offline");
});

test("a project that one may not see cannot be joined", async () => {
  const owner = aClient();
  await register(owner);
  const project = await owner.projects.create({ name: "Private" });
  const stranger = aClient();
  await register(stranger);
  listen(stranger);
  expect(await failure(stranger.live.join(project.id))).toMatchObject({ code: "PROJECT_NOT_FOUND" });
});

test("after an interruption projects are joined again, and all is to be loaded again", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  const project = await portico.projects.create({ name: "Engine" });
  const { events, next } = listen(portico);
  await portico.live.join(project.id);
  expect(events).toEqual([]);

  const resync = next("resync");
  proxy.cut();
  await becomes(portico, "offline");
  await portico.projects.update(project.id, { name: "Missed" });
  proxy.mend();
  await resync;
  expect(portico.live.status.getState()).toBe("connected");
  const updated = next("project:updated");
  await portico.projects.update(project.id, { name: "Heard" });
  expect(await updated).toMatchObject({ name: "Heard" });
});

test("who listens before signing in hears from then on, and nothing after signing out", async () => {
  const portico = aClient();
  const { next } = listen(portico);
  expect(portico.live.status.getState()).toBe("offline");
  await register(portico);
  await becomes(portico, "connected");
  const created = next("project:created");
  const project = await portico.projects.create({ name: "Engine" });
  expect(await created).toMatchObject({ id: project.id });
  await portico.auth.logout();
  expect(portico.live.status.getState()).toBe("offline");
});

test("a session that is ended elsewhere ends here at once", async () => {
  const email = anEmail();
  const portico = aClient();
  await portico.auth.register({ email, password: PASSWORD, name: "Ada" });
  listen(portico);
  await becomes(portico, "connected");
  const ended = new Promise((resolve) => portico.session.subscribe(resolve));
  const other = aClient();
  await other.auth.login({ email, password: PASSWORD });
  await other.auth.logoutAll();
  expect(await ended).toEqual({ status: "signedOut", user: null });
  expect(portico.live.status.getState()).toBe("offline");
});

test("a connection outlives its token", { timeout: 60_000 }, async () => {
  const program = await startProgram({ PORTICO_ACCESS_TOKEN_TTL: "8s" });
  onTestFinished(() => program.stop());
  const proxy = await aProxy(program.url);
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  const { events, next } = listen(portico);
  await becomes(portico, "connected");
  // The second renewal is due after the token of the handshake has expired: it has been replaced in time.
  await proxy.comes("POST", "/api/v1/auth/refresh");
  await proxy.comes("POST", "/api/v1/auth/refresh");
  const created = next("project:created");
  await portico.projects.create({ name: "Engine" });
  await created;
  expect(events.map(({ name }) => name)).not.toContain("resync");
});

test("what one changes of oneself elsewhere is known here", async () => {
  const email = anEmail();
  const portico = aClient();
  await portico.auth.register({ email, password: PASSWORD, name: "Ada" });
  listen(portico);
  await becomes(portico, "connected");
  const other = aClient({ baseUrl: inject("url") });
  await other.auth.login({ email, password: PASSWORD });
  const changed = new Promise((resolve) => portico.session.subscribe(resolve));
  const user = await other.auth.me();
  await other.users.update(user.id, { name: "Countess" });
  expect(await changed).toMatchObject({ status: "signedIn", user: { name: "Countess" } });
});
