// Stock clients of live changes, as many as a test wants. It says what they do
// by lines of JSON on the standard input; whatever happens to one is a line of
// JSON on the standard output: {client, event, data}.

"use strict";

const { createInterface } = require("node:readline");
const { EventSource } = require("eventsource");
const { io } = require("socket.io-client");

// An EventSource hears only of events that it knows by name.
const NAMES = [
  "project:created", "project:updated", "project:deleted",
  "member:added", "member:updated", "member:removed",
  "invitation:created", "invitation:updated",
  "user:updated", "session:revoked", "resync",
];

const clients = new Map();

const actions = {
  // Connects to Socket.IO.
  socket({ client, url, auth, transports }) {
    const tell = teller(client);
    const socket = io(url, { auth, transports, forceNew: true, reconnectionDelay: 50 });
    socket.on("connect", () => tell("connect", null));
    socket.on("connect_error", (error) => tell("connect_error", error.data ?? null));
    socket.on("disconnect", (reason) => tell("disconnect", reason));
    socket.onAny((event, data) => tell(event, data));
    clients.set(client, socket);
  },

  // Sends an event, which is acknowledged.
  emit({ client, event, arguments: args }) {
    const tell = teller(client);
    clients.get(client).emit(event, ...args, (answer) => tell("ack", answer));
  },

  // Says which transport is used in the end: with several, the last one, as
  // soon as the client has changed over to it.
  transport({ client }) {
    const { engine, opts } = clients.get(client).io;
    const tell = () => teller(client)("transport", engine.transport.name);
    if (engine.transport.name === opts.transports.at(-1)) tell();
    else engine.once("upgrade", tell);
  },

  // Opens the stream of events, by a ticket in the URL or by a token.
  stream({ client, url, token }) {
    const tell = teller(client);
    const fetchAs = (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
    const source = new EventSource(url, token ? { fetch: fetchAs } : {});
    source.addEventListener("open", () => tell("connect", null));
    source.addEventListener("error", (error) => tell("error", error.code ?? null));
    for (const name of NAMES) {
      source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
    }
    clients.set(client, source);
  },

  close({ client }) {
    clients.get(client).close();
    clients.delete(client);
  },
};

function teller(client) {
  return (event, data) => process.stdout.write(`${JSON.stringify({ client, event, data })}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const action = JSON.parse(line);
  actions[action.do](action);
});
lines.on("close", () => process.exit(0));
