import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preview } from "vite";

/** A running Portico: everything in one process, in a directory of its own that goes with it. */
export interface Program {
  /** Where browsers find it. */
  url: string;
  /** Where it keeps its data. */
  directory: string;
  admin: { email: string; password: string };
  stop: () => Promise<void>;
}

/**
 * Starts the real program, as built by cargo (PORTICO_TEST_PROGRAM says where it is). With
 * PORTICO_TEST_PREVIEW=1 the client comes from `dist` by Vite's preview server instead of from the
 * program, which then need not be built again after each change of the client.
 */
export async function startProgram(settings: Record<string, string> = {}): Promise<Program> {
  const directory = await mkdtemp(join(tmpdir(), "portico-web."));
  const gateway = await freePort();
  const admin = await freePort();
  const grpc = await freePort();
  const web = await freePort();
  const previewed = process.env.PORTICO_TEST_PREVIEW === "1";
  const url = `http://localhost:${previewed ? web : gateway}`;
  const administrator = { email: "admin@example.com", password: "an administrator of tests" };

  const program = spawn(process.env.PORTICO_TEST_PROGRAM ?? "../../../target/debug/portico", [], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      PORTICO_DATA_DIR: directory,
      PORTICO_PUBLIC_URL: url,
      PORTICO_GATEWAY_LISTEN: `127.0.0.1:${gateway}`,
      PORTICO_ADMIN_LISTEN: `127.0.0.1:${admin}`,
      PORTICO_GRPC_LISTEN: `127.0.0.1:${grpc}`,
      PORTICO_BOOTSTRAP_ADMIN_EMAIL: administrator.email,
      PORTICO_BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
      PORTICO_RATE_LIMIT_ANONYMOUS: "off",
      PORTICO_RATE_LIMIT_USER: "off",
      PORTICO_RATE_LIMIT_CREDENTIALS: "off",
      PORTICO_AUTH_THROTTLE: "off",
      ...settings,
    },
  });
  let log = "";
  program.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  program.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) =>
    program.once("close", () => {
      resolve();
    }),
  );

  const target = `http://127.0.0.1:${gateway}`;
  await answers(`${target}/readyz`, () => (program.exitCode === null ? null : log));
  const server = previewed
    ? await preview({
        logLevel: "error",
        preview: {
          port: web,
          strictPort: true,
          proxy: Object.fromEntries(
            ["/api", "/socket.io", "/dev"].map((path) => [path, { target, ws: path === "/socket.io" }]),
          ),
        },
      })
    : null;
  return {
    url,
    directory,
    admin: administrator,
    async stop() {
      await server?.close();
      program.kill("SIGTERM");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function answers(url: string, failed: () => string | null): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) {
      return;
    }
    const log = failed();
    if (log !== null) {
      throw new Error(`Portico did not start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) {
    throw new Error("the system gave no port");
  }
  return address.port;
}
