import { createServer, type Socket } from "node:net";

/** A mail server that takes every mail, except for some addresses. */
export interface MailServer {
  url: string;
  stop: () => Promise<void>;
}

/**
 * Listens on a port of its own. Addresses that begin with `nobody` are refused for good, those that begin with
 * `later` for now.
 */
export async function startMailServer(): Promise<MailServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    converse(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) {
    throw new Error("the system gave no port");
  }
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function converse(socket: Socket): void {
  let rest = "";
  let isData = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  say("220 mail.example.com");
  socket.on("data", (chunk) => {
    const lines = (rest + chunk.toString()).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (isData) {
        if (line === ".") {
          isData = false;
          say("250 taken");
        }
        continue;
      }
      const command = line.slice(0, 4).toUpperCase();
      if (command === "EHLO") {
        say("250 mail.example.com");
      } else if (command === "DATA") {
        isData = true;
        say("354 go on");
      } else if (command === "QUIT") {
        say("221 bye");
        socket.end();
      } else if (command === "RCPT" && /<nobody/i.test(line)) {
        say("550 5.1.1 There is no such mailbox here");
      } else if (command === "RCPT" && /<later/i.test(line)) {
        say("451 4.7.1 Try again later");
      } else {
        say("250 fine");
      }
    }
  });
}
