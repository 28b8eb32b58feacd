// A proxy between a client and the real program, which can lose, hold and replace what passes.
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";

export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
}

/** What befalls a call. */
export type Fate =
  /** It does not arrive. */
  | "lost"
  /** It arrives, and its answer does not. */
  | "unanswered"
  /** The answer is another. */
  | { status: number; code?: string; headers?: Record<string, string> }
  /** The answer is a page, as servers in between have them. */
  | { status: number; page: string }
  /** It goes on when that is settled. */
  | { after: Promise<unknown> };

export class Proxy {
  /** All calls that came by, in order. */
  readonly seen: Seen[] = [];
  readonly url: string;
  readonly #fates: { method: string; path: string; fate: Fate }[] = [];
  readonly #pages = new Map<string, { type: string; body: string }>();
  readonly #watchers = new Set<(seen: Seen) => void>();
  readonly #sockets = new Set<Socket>();
  readonly #server;
  isCut = false;

  private constructor(port: number, target: URL) {
    this.url = `http://localhost:${port}`;
    this.#server = createServer((incoming, outgoing) => void this.#answer(target, incoming, outgoing));
    this.#server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#upgrade(target, incoming, socket, head);
    });
  }

  /** Starts one in front of a program. */
  static async start(target: string, port: number): Promise<Proxy> {
    const proxy = new Proxy(port, new URL(target));
    proxy.#server.listen(port, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** Decides what befalls the next call like this; several are taken in turn. */
  next(method: string, path: string, ...fates: Fate[]): void {
    this.#fates.push(...fates.map((fate) => ({ method, path, fate })));
  }

  /** Serves a page of its own. */
  serve(path: string, type: string, body: string): void {
    this.#pages.set(path, { type, body });
  }

  /** How many calls like this came by. */
  count(method: string, path: string): number {
    return this.seen.filter((seen) => seen.method === method && seen.path === path).length;
  }

  /** The next call like this that comes by. */
  async comes(method: string, path: string): Promise<Seen> {
    return new Promise((resolve) => {
      const watcher = (seen: Seen) => {
        if (seen.method === method && seen.path === path) {
          this.#watchers.delete(watcher);
          resolve(seen);
        }
      };
      this.#watchers.add(watcher);
    });
  }

  /** Breaks all connections of WebSockets, and refuses new ones until it is mended. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  mend(): void {
    this.isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(target: URL, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const path = new URL(url, target).pathname;
    const page = this.#pages.get(path);
    if (page !== undefined) {
      outgoing.writeHead(200, { "content-type": page.type }).end(page.body);
      return;
    }
    const seen = { method, path, headers };
    this.seen.push(seen);
    for (const watcher of [...this.#watchers]) {
      watcher(seen);
    }
    const index = this.#fates.findIndex((each) => each.method === method && each.path === path);
    const fate = index < 0 ? undefined : this.#fates.splice(index, 1)[0]?.fate;
    const isSocket = path.startsWith("/socket.io");
    if (fate === "lost" || (isSocket && this.isCut)) {
      incoming.socket.destroy();
      return;
    }
    if (typeof fate === "object" && "page" in fate) {
      incoming.resume();
      outgoing.writeHead(fate.status, { "content-type": "text/html" }).end(fate.page);
      return;
    }
    if (typeof fate === "object" && "status" in fate) {
      incoming.resume();
      const { status, code = "SERVICE_UNAVAILABLE" } = fate;
      const error = { code, message: "As the test wants it.", details: null };
      outgoing
        .writeHead(status, { "content-type": "application/json", ...fate.headers })
        .end(JSON.stringify({ success: false, error, meta: { timestamp: "", requestId: "test" } }));
      return;
    }
    if (typeof fate === "object") {
      await fate.after;
    }
    const forwarded = request({ hostname: "127.0.0.1", port: target.port, method, path: url, headers });
    forwarded.on("response", (response) => {
      if (fate === "unanswered") {
        response.resume().on("end", () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on("error", () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  }

  #upgrade(target: URL, incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.isCut) {
      socket.destroy();
      return;
    }
    const onward = connect(Number(target.port), "127.0.0.1", () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}`);
      onward.write([`GET ${incoming.url ?? ""} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
