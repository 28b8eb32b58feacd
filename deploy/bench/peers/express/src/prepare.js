// What must be there before anything is served: the schema, and a user who owns a thousand projects.
import { readFile } from "node:fs/promises";

import { hash } from "@node-rs/argon2";
import pg from "pg";

import { prisma } from "./database.js";

const LISTED = 1000;

export async function prepare() {
  await migrate();
  const { id: userId } = await prisma.user.create({
    data: {
      email: "root@example.com",
      name: "Root",
      passwordHash: await hash("correct horse battery", { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 }),
    },
  });
  for (let number = 0; number < LISTED; number++) {
    await prisma.project.create({
      data: {
        name: `Listed ${number}`,
        description: "Made by the benchmark.",
        members: { create: { userId, role: "OWNER" } },
      },
    });
  }
  await prisma.$disconnect();
}

async function migrate() {
  const client = new pg.Client(process.env.DATABASE_URL);
  await client.connect();
  try {
    await client.query(await readFile(new URL("../prisma/schema.sql", import.meta.url), "utf8"));
  } finally {
    await client.end();
  }
}
