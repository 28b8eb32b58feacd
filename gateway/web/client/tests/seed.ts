/** Fills an installation as it may look after some weeks, for pictures of it. */
import type { Program } from "./program.ts";

type Json = Record<string, unknown>;

const password = "the right battery staple";

const people = [
  "Grace Hopper",
  "Katherine Johnson",
  "Margaret Hamilton",
  "Alan Turing",
  "Barbara Liskov",
  "Donald Knuth",
  "Radia Perlman",
  "Edsger Dijkstra",
  "Maximiliana Konstantinopolitanska-Featherstonehaugh von und zu Hohenlohe",
  "李飞飞",
  "Frances Allen",
  "Tim Berners-Lee",
];

const projects: [string, string | null][] = [
  ["Apollo 11", "To the moon, and back again before the decade is out."],
  ["Analytical engine", "Weaves algebraic patterns just as the loom weaves flowers and leaves."],
  ["Guidance computer", null],
  [
    "A project whose name goes on for about as long as a name may go on, which is a hundred characters",
    "Its description does the same: it says at length what could have been said in a few words, and then says it once more, so that one can see where the line is cut and whether that looks as it should.",
  ],
  ["Bombe", "Breaks what was thought to be unbreakable."],
  ["COBOL", null],
];

/** One connection to the API, as somebody. */
class Caller {
  readonly #url: string;
  readonly #token: string;
  readonly user: { id: string; email: string };

  private constructor(url: string, token: string, user: { id: string; email: string }) {
    this.#url = url;
    this.#token = token;
    this.user = user;
  }

  static async login(url: string, email: string, password: string, userAgent = "Portico"): Promise<Caller> {
    return Caller.#enter(url, "login", { email, password }, userAgent);
  }

  static async register(url: string, email: string, name: string): Promise<Caller> {
    return Caller.#enter(url, "register", { email, name, password }, "Portico");
  }

  static async #enter(url: string, way: string, body: Json, userAgent: string): Promise<Caller> {
    const { token, user } = await send<{ token: string; user: { id: string; email: string } }>(
      `${url}/api/v1/auth/${way}`,
      { method: "POST", headers: { "User-Agent": userAgent }, body },
    );
    return new Caller(url, token, user);
  }

  async call<Data = unknown>(method: string, path: string, body: Json = {}): Promise<Data> {
    return send(`${this.#url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}` },
      body,
    });
  }
}

async function send<Data>(
  url: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body: Json },
): Promise<Data> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, "Content-Type": "application/json" },
    ...(method !== "GET" && method !== "DELETE" && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok || typeof answer !== "object" || answer === null || !("data" in answer)) {
    throw new Error(`${method} ${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  }
  return answer.data as Data;
}

/** Everything is seen by the administrator, who is called Ada Lovelace. */
export async function seed(program: Program): Promise<void> {
  const { email, password: adminPassword } = program.admin;
  const ada = await Caller.login(program.url, email, adminPassword);
  await ada.call("PATCH", `/users/${ada.user.id}`, { name: "Ada Lovelace" });
  const others: Caller[] = [];
  for (const [index, name] of people.entries()) {
    const address = index === 8 ? "a.very.long.address.for.a.very.long.name" : `person${index}`;
    others.push(await Caller.register(program.url, `${address}@example.com`, name));
  }
  const [grace, katherine, margaret, alan] = others;
  if (grace === undefined || katherine === undefined || margaret === undefined || alan === undefined) {
    throw new Error("there are not enough people");
  }

  const made: string[] = [];
  for (let index = 0; index < 30; index++) {
    const [name, description] = projects[index] ?? [
      `Study ${index + 1}`,
      index % 3 === 0 ? "One of many." : null,
    ];
    const project = await ada.call<{ id: string }>("POST", "/projects", {
      name,
      description,
      visibility: index % 4 === 1 ? "PUBLIC" : "PRIVATE",
    });
    made.push(project.id);
  }
  for (const [index, person] of others.slice(0, 9).entries()) {
    const role = ["ADMIN", "MEMBER", "MEMBER", "VIEWER"][index % 4];
    await ada.call("POST", `/projects/${made[0]}/members`, { userId: person.user.id, role });
  }
  for (const address of [
    "hedy@example.com",
    "nobody@example.com",
    "later@example.com",
    "nobody2@example.com",
  ]) {
    await ada.call("POST", `/projects/${made[0]}/invitations`, { email: address, role: "MEMBER" });
  }
  for (const id of made.slice(20, 23)) {
    await ada.call("POST", `/projects/${id}/archive`);
  }
  await ada.call("PATCH", `/projects/${made[0]}`, { description: "To the moon, and back again." });

  for (const [person, name] of [
    [grace, "Compilers"],
    [margaret, "Software engineering for everybody who flies"],
  ] as const) {
    const project = await person.call<{ id: string }>("POST", "/projects", { name });
    await person.call("POST", `/projects/${project.id}/invitations`, { email, role: "ADMIN" });
  }

  await ada.call("PATCH", `/users/${katherine.user.id}`, { role: "ADMIN" });
  await ada.call("PATCH", `/users/${alan.user.id}`, { status: "DISABLED" });
  await ada.call("POST", `/users/${margaret.user.id}/reset-mfa`);
  for (const [name, scopes] of [
    ["Backup", ["projects:read"]],
    [
      "The program that tells the monitors in the hall what is new",
      ["projects:read", "events:read", "account:read"],
    ],
  ] as const) {
    await ada.call("POST", "/auth/api-keys", { name, scopes, expiresAt: null });
  }
  for (const device of [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
  ]) {
    await Caller.login(program.url, email, adminPassword, device);
  }
}
