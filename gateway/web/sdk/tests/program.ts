import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A running Portico: everything in one process, in a directory of its own that goes with it. */
export interface Program {
  url: string;
  stop: () => Promise<void>;
}

export const administrator = { email: "admin@example.com", password: "an administrator of tests" };

/** Starts the real program, as built by cargo (PORTICO_TEST_PROGRAM says where it is). */
export async function startProgram(settings: Record<string, string> = {}): Promise<Program> {
  const directory = await mkdtemp(join(tmpdir(), "portico-sdk."));
  const [gateway, admin, grpc] = [await freePort(), await freePort(), await freePort()];
  const url = `http://localhost:${gateway}`;
  const path = process.env.PORTICO_TEST_PROGRAM ?? "../../../target/debug/portico";
  const program = spawn(path, [], {
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
  const write = (chunk: Buffer) => (log += chunk.toString());
  program.stdout.on("data", write);
  program.stderr.on("data", write);
  const ended = once(program, "close");
  while (!(await isReady(url))) {
    if (program.exitCode !== null) {
      throw new Error(`Portico did not start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    async stop() {
      program.kill("SIGTERM");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  return response?.ok === true;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) {
    throw new Error("the system gave no port");
  }
  return address.port;
}
