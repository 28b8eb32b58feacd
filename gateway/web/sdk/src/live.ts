// Live changes over Socket.IO, from the first listener to the last, as long as somebody is signed in.
import type { Socket } from "socket.io-client";
import { isRecord, NetworkError, PorticoError } from "./errors.js";
import type { Acknowledgement, ClientEvents, LiveEvent, ServerEvents } from "./live-events.js";
import { subjectOf, type Observable } from "./observable.js";
import type { Session } from "./session.js";

/** `offline`: nothing arrives just now, because there is no connection, or nobody listens or is signed in. */
export type LiveStatus = "connecting" | "connected" | "offline";

export interface Live {
  readonly status: Observable<LiveStatus>;
  /** Calls the handler with each change, until the function that it returns is called. */
  subscribe: (handler: (event: LiveEvent) => void) => () => void;
  /**
   * Hears of changes to a project and its members from now on, also after interruptions, until `leave` was
   * called as often as this.
   * @throws PorticoError `PROJECT_NOT_FOUND` if one may not see it
   */
  join: (projectId: string) => Promise<void>;
  leave: (projectId: string) => void;
  close: () => void;
}

type LiveSocket = Socket<ServerEvents, ClientEvents>;

/** How long the gateway may take to answer, in milliseconds. */
const ANSWER = 10_000;

/** The waits between attempts after a refusal, in milliseconds: the shortest and the longest. */
const BACK_OFF = { least: 500, most: 30_000 };

/** Refusals of a token after which another may do. */
const RENEWABLE = new Set(["TOKEN_EXPIRED", "TOKEN_REVOKED", "UNAUTHENTICATED"]);

export function liveOf(baseUrl: string, session: Session): Live {
  const connection = new Connection(baseUrl, session);
  const unsubscribe = session.state.subscribe(() => {
    connection.adjust();
  });
  return {
    status: connection.status,
    subscribe: (handler) => connection.subscribe(handler),
    join: (projectId) => connection.join(projectId),
    leave: (projectId) => {
      connection.leave(projectId);
    },
    close: () => {
      unsubscribe();
      connection.close();
    },
  };
}

class Connection {
  readonly #status = subjectOf<LiveStatus>("offline");
  readonly status: Observable<LiveStatus> = this.#status;
  readonly #baseUrl: string;
  readonly #session: Session;
  readonly #handlers = new Set<(event: LiveEvent) => void>();
  /** How often each project was joined. */
  readonly #joined = new Map<string, number>();
  #socket: LiveSocket | null = null;
  #isOpening = false;
  /** Whether something was missed that came between two connections, or before the first that was late. */
  #hasGap = false;
  #refusals = 0;
  #token: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(baseUrl: string, session: Session) {
    this.#baseUrl = baseUrl;
    this.#session = session;
  }

  subscribe(handler: (event: LiveEvent) => void): () => void {
    this.#handlers.add(handler);
    this.adjust();
    return () => {
      this.#handlers.delete(handler);
      this.adjust();
    };
  }

  async join(projectId: string): Promise<void> {
    const count = this.#joined.get(projectId) ?? 0;
    this.#joined.set(projectId, count + 1);
    const socket = await this.#connected();
    if (!this.#joined.has(projectId)) {
      return;
    }
    await this.#ask(() => socket.timeout(ANSWER).emitWithAck("join:project", projectId));
  }

  leave(projectId: string): void {
    const count = this.#joined.get(projectId) ?? 0;
    if (count > 1) {
      this.#joined.set(projectId, count - 1);
      return;
    }
    this.#joined.delete(projectId);
    if (count === 1 && this.#socket?.connected === true) {
      this.#socket.emit("leave:project", projectId, () => undefined);
    }
  }

  close(): void {
    this.#handlers.clear();
    this.adjust();
  }

  /** Connects if somebody listens and is signed in, else disconnects. */
  adjust(): void {
    const isWanted = this.#handlers.size > 0 && this.#session.state.getState().status === "signedIn";
    if (!isWanted) {
      clearTimeout(this.#timer);
    }
    if (isWanted && this.#socket === null && !this.#isOpening) {
      void this.#open();
    } else if (!isWanted && this.#socket !== null) {
      this.#socket.disconnect();
      this.#socket = null;
      this.#hasGap = false;
      this.#refusals = 0;
      this.#status.set("offline");
    }
  }

  async #open(): Promise<void> {
    this.#isOpening = true;
    this.#status.set("connecting");
    try {
      const { io } = await import("socket.io-client");
      const socket: LiveSocket = io(this.#baseUrl, {
        autoConnect: false,
        forceNew: true,
        transports: ["websocket", "polling"],
        tryAllTransports: true,
        reconnectionDelay: 500,
        auth: (give) => {
          void this.#authenticate(give);
        },
      });
      this.#socket = socket;
      this.#wire(socket);
      socket.connect();
    } catch {
      // The code for it could not be loaded: as good as no connection.
      this.#isOpening = false;
      this.#hasGap = true;
      this.#refusals += 1;
      this.#status.set("offline");
      this.#later();
      return;
    }
    this.#isOpening = false;
    this.adjust();
  }

  async #authenticate(give: (auth: { token?: string }) => void): Promise<void> {
    try {
      this.#token = await this.#session.token();
    } catch {
      // The gateway refuses whoever says nothing; then it is tried again.
      this.#token = null;
    }
    give(this.#token === null ? {} : { token: this.#token });
  }

  #wire(socket: LiveSocket): void {
    const tell = (event: LiveEvent) => {
      if (this.#socket === socket) {
        this.#tell(event);
      }
    };
    socket.on("connect", () => void this.#welcome(socket));
    socket.on("connect_error", (error) => void this.#refused(socket, codeOf(error)));
    socket.on("disconnect", (reason) => {
      this.#hasGap = true;
      clearTimeout(this.#timer);
      if (this.#socket === socket) {
        this.#status.set("connecting");
      }
      // The gateway has ended it on purpose: with this token it is over.
      if (reason === "io server disconnect") {
        void this.#refused(socket, "TOKEN_REVOKED");
      }
    });
    socket.on("project:created", (payload) => {
      tell({ name: "project:created", payload });
    });
    socket.on("project:updated", (payload) => {
      tell({ name: "project:updated", payload });
    });
    socket.on("project:deleted", (payload) => {
      tell({ name: "project:deleted", payload });
    });
    socket.on("member:added", (payload) => {
      tell({ name: "member:added", payload });
    });
    socket.on("member:updated", (payload) => {
      tell({ name: "member:updated", payload });
    });
    socket.on("member:removed", (payload) => {
      tell({ name: "member:removed", payload });
    });
    socket.on("invitation:created", (payload) => {
      tell({ name: "invitation:created", payload });
    });
    socket.on("invitation:updated", (payload) => {
      tell({ name: "invitation:updated", payload });
    });
    socket.on("user:updated", (payload) => {
      this.#session.changed(payload);
      tell({ name: "user:updated", payload });
    });
    socket.on("session:revoked", (payload) => {
      tell({ name: "session:revoked", payload });
    });
    socket.on("resync", () => {
      tell({ name: "resync", payload: {} });
    });
  }

  /** A connection stands: it becomes what the one before was. */
  async #welcome(socket: LiveSocket): Promise<void> {
    this.#refusals = 0;
    this.#renewInTime(socket);
    const joins = [...this.#joined.keys()].map((projectId) =>
      this.#ask(() => socket.timeout(ANSWER).emitWithAck("join:project", projectId)),
    );
    // What is not to be seen any more is found out by whoever loads it again.
    await Promise.allSettled(joins);
    if (this.#socket !== socket || !socket.connected) {
      return;
    }
    this.#status.set("connected");
    if (this.#hasGap) {
      this.#hasGap = false;
      this.#tell({ name: "resync", payload: {} });
    }
  }

  /** There is no connection: by a refusal with a code, or because nobody answered. */
  async #refused(socket: LiveSocket, code: string | null): Promise<void> {
    if (this.#socket !== socket) {
      return;
    }
    this.#hasGap = true;
    if (code === null) {
      // Socket.IO tries again by itself.
      this.#status.set("offline");
      return;
    }
    this.#refusals += 1;
    let renewed: string | null = null;
    if (RENEWABLE.has(code) && this.#refusals === 1) {
      try {
        renewed = this.#token === null ? null : await this.#session.renew(this.#token);
      } catch {
        // Nobody can tell now whether the session goes on.
      }
    }
    if (renewed !== null) {
      socket.connect();
    } else {
      this.#status.set("offline");
      this.#later();
    }
  }

  /** Tries again after a while, longer each time. */
  #later(): void {
    clearTimeout(this.#timer);
    const most = Math.min(BACK_OFF.most, BACK_OFF.least * 2 ** this.#refusals);
    this.#timer = setTimeout(
      () => {
        if (this.#socket === null) {
          this.adjust();
        } else {
          this.#socket.connect();
        }
      },
      BACK_OFF.least + Math.random() * most,
    );
  }

  /** Gives the gateway another token before the one in use expires. */
  #renewInTime(socket: LiveSocket): void {
    clearTimeout(this.#timer);
    const renewAt = this.#session.renewAt;
    if (renewAt === null) {
      return;
    }
    this.#timer = setTimeout(() => void this.#renew(socket), Math.max(0, renewAt - Date.now()));
  }

  async #renew(socket: LiveSocket): Promise<void> {
    try {
      const token = await this.#session.token();
      if (token !== null && socket.connected) {
        await this.#ask(() => socket.timeout(ANSWER).emitWithAck("auth:renew", { token }));
        this.#token = token;
        this.#renewInTime(socket);
      }
    } catch {
      // The gateway ends the connection when the token expires; then a new one is made.
    }
  }

  /** The socket, as soon as there is a connection. */
  async #connected(): Promise<LiveSocket> {
    for (;;) {
      if (this.#socket?.connected === true) {
        return this.#socket;
      }
      await new Promise<void>((resolve) => {
        const unsubscribe = this.#status.subscribe(() => {
          unsubscribe();
          resolve();
        });
      });
    }
  }

  async #ask(question: () => Promise<Acknowledgement>): Promise<void> {
    let answer: Acknowledgement;
    try {
      answer = await question();
    } catch (error) {
      throw new NetworkError(error);
    }
    if (!answer.success) {
      throw new PorticoError({ ...answer.error, status: 0 });
    }
  }

  #tell(event: LiveEvent): void {
    for (const handler of [...this.#handlers]) {
      handler(event);
    }
  }
}

/** Why the gateway refused a connection; null if it did not answer at all. */
function codeOf(error: Error): string | null {
  const data: unknown = "data" in error ? error.data : null;
  return isRecord(data) && typeof data.code === "string" ? data.code : null;
}
