import { expect, test } from "vitest";
import { aClient, aProxy, register } from "./setting.js";

test("a walk sees everything once, page by page, while others come and go", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  const made = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    made.push(await portico.projects.create({ name }));
  }
  const seen: string[] = [];
  for await (const project of portico.projects.all({ sort: "createdAt", limit: 2 })) {
    seen.push(project.name);
    if (project.name === "B") {
      await portico.projects.remove(made[0]?.id ?? "");
      await portico.projects.create({ name: "F" });
    }
  }
  expect(seen).toEqual(["A", "B", "C", "D", "E", "F"]);
  expect(proxy.count("GET", "/api/v1/projects")).toBe(3);
});

test("a walk that is left asks for no more", async () => {
  const proxy = await aProxy();
  const portico = aClient({ baseUrl: proxy.url });
  await register(portico);
  await portico.projects.create({ name: "A" });
  await portico.projects.create({ name: "B" });
  for await (const project of portico.projects.all({ limit: 1 })) {
    expect(project.name).toBe("B");
    break;
  }
  expect(proxy.count("GET", "/api/v1/projects")).toBe(1);
});

test("a page says how much there is", async () => {
  const portico = aClient();
  await register(portico);
  await portico.projects.create({ name: "A", description: null });
  await portico.projects.create({ name: "B", slug: undefined });
  const page = await portico.projects.list({ limit: 1, q: undefined });
  expect(page.items.map(({ name }) => name)).toEqual(["B"]);
  expect(page.pagination).toMatchObject({ total: 2, hasMore: true });
});
