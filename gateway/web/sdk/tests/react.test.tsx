// @vitest-environment jsdom
import { QueryClient } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, inject, onTestFinished, test } from "vitest";
import { NetworkError, type Portico } from "../src/index.js";
import {
  PorticoProvider,
  useAuth,
  useCreateProject,
  useLiveUpdates,
  useMembers,
  useProject,
  useProjects,
  useRevokeSession,
  useSessions,
  useUpdateProject,
} from "../src/react/index.js";
import { aClient, anEmail, aProxy, failure, PASSWORD, register } from "./setting.js";

afterEach(cleanup);

/** A client as one in a browser of its own, without cookies: jsdom has none for `fetch`. */
function aPerson(baseUrl: string = inject("url")): Portico {
  return aClient({ baseUrl, storage: "memory" });
}

function around(portico: Portico) {
  const queryClient = new QueryClient();
  onTestFinished(() => {
    queryClient.clear();
  });
  return ({ children }: { children: ReactNode }) => (
    <PorticoProvider portico={portico} queryClient={queryClient}>
      {children}
    </PorticoProvider>
  );
}

test("it is known who is signed in", async () => {
  const portico = aPerson();
  const { result } = renderHook(() => useAuth(), { wrapper: around(portico) });
  expect(result.current).toMatchObject({ status: "unknown", user: null });
  await act(() => register(portico, "Grace"));
  expect(result.current).toMatchObject({ status: "signedIn", user: { name: "Grace" } });
  await act(() => result.current.logout());
  expect(result.current).toMatchObject({ status: "signedOut", user: null });
});

test("a list grows, and shows what was made", async () => {
  const portico = aPerson();
  await register(portico);
  await portico.projects.create({ name: "A" });
  await portico.projects.create({ name: "B" });
  const { result } = renderHook(
    () => ({ projects: useProjects({ sort: "name", limit: 1 }), create: useCreateProject() }),
    { wrapper: around(portico) },
  );
  await waitFor(() => {
    expect(result.current.projects.data?.items.map(({ name }) => name)).toEqual(["A"]);
  });
  expect(result.current.projects.data?.total).toBe(2);
  await act(() => result.current.projects.fetchNextPage());
  await waitFor(() => {
    expect(result.current.projects.data?.items.map(({ name }) => name)).toEqual(["A", "B"]);
  });
  expect(result.current.projects.hasNextPage).toBe(false);

  await act(() => result.current.create.mutateAsync({ name: "C" }));
  await waitFor(() => {
    expect(result.current.projects.data?.total).toBe(3);
  });
});

test("an edit is shown at once, and taken back if it fails", async () => {
  const proxy = await aProxy();
  const portico = aPerson(proxy.url);
  await register(portico);
  const { id, slug, etag } = await portico.projects.create({ name: "Engine" });
  const path = `/api/v1/projects/${id}`;
  const { result } = renderHook(
    () => ({ project: useProject(slug), projects: useProjects(), update: useUpdateProject() }),
    { wrapper: around(portico) },
  );
  await waitFor(() => {
    expect(result.current.project.data?.name).toBe("Engine");
    expect(result.current.projects.data?.items).toHaveLength(1);
  });

  let go: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  proxy.next("PATCH", path, { after: held });
  const names = () => [result.current.project.data?.name, result.current.projects.data?.items[0]?.name];
  let changed: Promise<unknown> = Promise.resolve();
  act(() => {
    changed = result.current.update.mutateAsync({ id, changes: { name: "Shown" }, etag });
  });
  await waitFor(() => {
    expect(names()).toEqual(["Shown", "Shown"]);
  });
  await act(async () => {
    go?.();
    await changed;
  });
  await waitFor(() => {
    expect(names()).toEqual(["Shown", "Shown"]);
    expect(result.current.project.data?.etag).not.toBe(etag);
  });

  // The etag is that of before: somebody else, as it were, was faster.
  const late = await act(() =>
    failure(result.current.update.mutateAsync({ id, changes: { name: "Late" }, etag })),
  );
  expect(late).toMatchObject({ code: "ETAG_MISMATCH" });
  await waitFor(() => {
    expect(names()).toEqual(["Shown", "Shown"]);
  });
});

test("without a connection a change fails at once, and what is shown stays", async () => {
  const proxy = await aProxy();
  const portico = aPerson(proxy.url);
  await register(portico);
  const { id } = await portico.projects.create({ name: "Engine" });
  const { result } = renderHook(() => ({ project: useProject(id), update: useUpdateProject() }), {
    wrapper: around(portico),
  });
  await waitFor(() => {
    expect(result.current.project.data?.name).toBe("Engine");
  });
  proxy.next("PATCH", `/api/v1/projects/${id}`, "lost");
  const failed = await act(() =>
    failure(result.current.update.mutateAsync({ id, changes: { name: "Lost" } })),
  );
  expect(failed).toBeInstanceOf(NetworkError);
  await waitFor(() => {
    expect(result.current.project.data?.name).toBe("Engine");
  });
});

test("a session that is revoked goes at once", async () => {
  const email = anEmail();
  const portico = aPerson();
  await portico.auth.register({ email, password: PASSWORD, name: "Ada" });
  await aPerson().auth.login({ email, password: PASSWORD });
  const { result } = renderHook(() => ({ sessions: useSessions(), revoke: useRevokeSession() }), {
    wrapper: around(portico),
  });
  await waitFor(() => {
    expect(result.current.sessions.data).toHaveLength(2);
  });
  const other = result.current.sessions.data?.find(({ current }) => !current);
  await act(() => result.current.revoke.mutateAsync(other?.id ?? ""));
  await waitFor(() => {
    expect(result.current.sessions.data).toHaveLength(1);
  });
});

test("what others change is shown without asking", async () => {
  const owner = aPerson();
  await register(owner, "Owner");
  const project = await owner.projects.create({ name: "Engine", visibility: "PRIVATE" });
  const guest = aPerson();
  const { id: userId } = await register(guest, "Guest");

  const { result } = renderHook(
    () => {
      useLiveUpdates();
      return { project: useProject(project.slug), members: useMembers(project.id), projects: useProjects() };
    },
    { wrapper: around(owner) },
  );
  await waitFor(() => {
    expect(result.current.members.data?.items).toHaveLength(1);
    expect(owner.live.status.getState()).toBe("connected");
  });
  await owner.live.join(project.id);

  const elsewhere = await owner.projects.members.add(project.id, { userId, role: "ADMIN" });
  await waitFor(() => {
    expect(result.current.members.data?.items).toHaveLength(2);
    expect(result.current.project.data?.memberCount).toBe(2);
  });
  expect(elsewhere.role).toBe("ADMIN");

  await guest.projects.update(project.id, { name: "Analytical Engine" });
  await waitFor(() => {
    expect(result.current.project.data).toMatchObject({ name: "Analytical Engine", myRole: "OWNER" });
    expect(result.current.projects.data?.items[0]?.name).toBe("Analytical Engine");
  });

  await owner.projects.members.update(project.id, userId, { role: "VIEWER" });
  await waitFor(() => {
    expect(result.current.members.data?.items.map(({ role }) => role)).toEqual(["OWNER", "VIEWER"]);
  });
  await guest.projects.members.remove(project.id, userId);
  await waitFor(() => {
    expect(result.current.members.data?.items).toHaveLength(1);
  });
});

test("nothing of somebody is left for the next", async () => {
  const portico = aPerson();
  await register(portico);
  await portico.projects.create({ name: "Secret" });
  const wrapper = around(portico);
  const { result, unmount } = renderHook(() => useProjects(), { wrapper });
  await waitFor(() => {
    expect(result.current.data?.items).toHaveLength(1);
  });
  // The provider stays, as in a page; what showed the list goes.
  renderHook(() => useAuth(), { wrapper });
  unmount();
  await act(() => portico.auth.logout());
  await act(() => register(portico, "Another"));
  const other = renderHook(() => useProjects(), { wrapper });
  await waitFor(() => {
    expect(other.result.current.data?.items).toEqual([]);
  });
});
