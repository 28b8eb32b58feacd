import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, copyFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
let project: string;

/** A project that depends on the package as it would be published. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "portico-sdk-user."));
  const modules = join(project, "node_modules");
  const installed = join(modules, "@portico/sdk");
  await mkdir(installed, { recursive: true });
  await run("npm", ["run", "build"], { cwd: root });
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: root });
  const packed: unknown = JSON.parse(stdout);
  const name = /"filename":"([^"]+)"/.exec(JSON.stringify(packed))?.[1] ?? "";
  await run("tar", ["xzf", join(project, name), "-C", installed, "--strip-components=1"]);
  for (const dependency of ["openapi-fetch", "socket.io-client", "react", "@tanstack/react-query"]) {
    const at = await directoryOf(dependency);
    await mkdir(dirname(join(modules, dependency)), { recursive: true });
    await symlink(at, join(modules, dependency));
  }
  await copyFile(join(root, "examples/watch.mjs"), join(project, "watch.mjs"));
}, 120_000);

afterAll(() => rm(project, { recursive: true }));

async function directoryOf(dependency: string): Promise<string> {
  const paths = createRequire(import.meta.url).resolve.paths(dependency) ?? [];
  for (const path of paths) {
    const found = join(path, dependency);
    const text = await readFile(join(found, "package.json"), "utf8").catch(() => null);
    if (text !== null) {
      return found;
    }
  }
  throw new Error(`${dependency} is not installed`);
}

test("the example of the README runs, in Node and with the package as it is published", async () => {
  const { stdout } = await run(process.execPath, ["watch.mjs"], {
    cwd: project,
    env: { PATH: process.env.PATH, PORTICO_URL: inject("url") },
  });
  expect(stdout).toContain("project:updated");
  expect(stdout).toContain("It weaves algebraic patterns.");
});

test("the README shows the example as it is", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const example = await readFile(join(root, "examples/watch.mjs"), "utf8");
  expect(/```js\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
});

test("the React bindings are importable", async () => {
  const program = `import("@portico/sdk/react").then((react) => console.log(typeof react.useProjects))`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program], { cwd: project });
  expect(stdout.trim()).toBe("function");
});

test("the package has what was built, and nothing else", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json"], { cwd: root });
  const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path ?? "");
  expect(paths).toContain("dist/index.js");
  expect(paths).toContain("dist/index.d.ts");
  expect(paths).toContain("dist/react/index.js");
  expect(
    paths.filter((path) => !/^(dist\/.+\.(js|js\.map|d\.ts)|package\.json|README\.md)$/.test(path)),
  ).toEqual([]);
});
