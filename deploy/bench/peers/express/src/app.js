// The routes.
import { verify as verifyPassword } from "@node-rs/argon2";
import express from "express";

import { prisma } from "./database.js";
import { Changes, Credentials, Failure, NewProject, Page, parse, projectId } from "./input.js";
import * as tokens from "./tokens.js";

/** The fields of a user that are shown. */
const USER = { id: true, email: true, name: true, createdAt: true, updatedAt: true };
/** Who may change a project. */
const CHANGING = ["OWNER", "ADMIN"];

export const app = express();
app.disable("x-powered-by");
app.use(express.json());

app.post("/api/v1/auth/login", async (request, response) => {
  const { email, password } = parse(Credentials, request.body);
  const found = await prisma.user.findUnique({ where: { email }, select: { ...USER, passwordHash: true } });
  if (!found || !(await verifyPassword(found.passwordHash, password))) {
    throw new Failure(401, "INVALID_CREDENTIALS");
  }
  const { passwordHash: _, ...user } = found;
  response.json({ data: { user, token: await tokens.sign(user.id) } });
});

app.use("/api/v1", async (request, _response, next) => {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Bearer" || !token) throw new Failure(401, "UNAUTHENTICATED");
  try {
    request.userId = await tokens.verify(token);
  } catch {
    throw new Failure(401, "UNAUTHENTICATED");
  }
  next();
});

app.get("/api/v1/auth/me", async (request, response) => {
  const data = await prisma.user.findUnique({ where: { id: request.userId }, select: USER });
  if (!data) throw new Failure(401, "UNAUTHENTICATED");
  response.json({ data });
});

// Membership and project come by one statement, here and in the list.
app.get("/api/v1/projects/:id", async (request, response) => {
  const member = await prisma.member.findUnique({
    where: { projectId_userId: { projectId: projectId(request), userId: request.userId } },
    select: { role: true, project: true },
    relationLoadStrategy: "join",
  });
  if (!member) throw new Failure(404, "PROJECT_NOT_FOUND");
  response.json({ data: shown(member) });
});

app.get("/api/v1/projects", async (request, response) => {
  const { page_size, cursor } = parse(Page, request.query);
  const { userId } = request;
  const found = await prisma.member.findMany({
    where: { userId },
    select: { role: true, project: true },
    orderBy: [{ joinedAt: "desc" }, { projectId: "desc" }],
    // One more says whether there is a next page, and where it begins.
    take: page_size + 1,
    ...(cursor && { cursor: { projectId_userId: { projectId: cursor, userId } } }),
    relationLoadStrategy: "join",
  });
  const next = found[page_size]?.project.id ?? null;
  response.json({ data: found.slice(0, page_size).map(shown), meta: { nextCursor: next } });
});

// A nested write is one transaction.
app.post("/api/v1/projects", async (request, response) => {
  const role = "OWNER";
  const project = await prisma.project.create({
    data: { ...parse(NewProject, request.body), members: { create: { userId: request.userId, role } } },
  });
  response.status(201).json({ data: shown({ project, role }) });
});

// One statement, where `update` would take a transaction of two.
app.patch("/api/v1/projects/:id", async (request, response) => {
  const id = projectId(request);
  const { userId } = request;
  const [data] = await prisma.project.updateManyAndReturn({
    where: { id, members: { some: { userId, role: { in: CHANGING } } } },
    data: parse(Changes, request.body),
  });
  if (!data) {
    const isMember = await prisma.member.count({ where: { projectId: id, userId } });
    throw isMember ? new Failure(403, "FORBIDDEN") : new Failure(404, "PROJECT_NOT_FOUND");
  }
  response.json({ data });
});

app.use(() => {
  throw new Failure(404, "ROUTE_NOT_FOUND");
});

// Express knows a function of four parameters for one that handles errors.
app.use((error, _request, response, _next) => {
  if (error instanceof Failure) {
    response.status(error.status).json({ error: { code: error.message, details: error.details } });
  } else if (error.type === "entity.parse.failed") {
    response.status(400).json({ error: { code: "MALFORMED_REQUEST", details: null } });
  } else {
    console.error(error);
    response.status(500).json({ error: { code: "INTERNAL_ERROR", details: null } });
  }
});

function shown({ project, role }) {
  return { ...project, myRole: role };
}
