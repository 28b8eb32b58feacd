// The client of the database, with a pool of connections for each worker.
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";

const CONNECTIONS = 10;

// Prisma prepares statements only if it is told how to name them.
const names = new Map();
function statementNameGenerator({ sql }) {
  let name = names.get(sql);
  if (name === undefined) {
    name = `statement_${names.size}`;
    names.set(sql, name);
  }
  return name;
}

export const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, max: CONNECTIONS }, { statementNameGenerator }),
});
