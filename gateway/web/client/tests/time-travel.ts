import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Program } from "./program.ts";

/**
 * Makes every sign-in of a person eleven minutes older than it is, so that changes that need a fresh one ask for it.
 * There is no setting for that: it is done in the database of the running program.
 */
export async function ageSignIns(program: Program, userId: string): Promise<void> {
  const script = [
    "import sqlite3, sys, uuid",
    "with sqlite3.connect(sys.argv[1], timeout=30) as database:",
    "    aged = database.execute(",
    "        'UPDATE sessions SET authenticated_at = authenticated_at - 660000 WHERE user_id = ?',",
    "        (uuid.UUID(sys.argv[2]).bytes,),",
    "    )",
    "sys.exit(aged.rowcount == 0)",
  ].join("\n");
  await promisify(execFile)("python3", ["-c", script, join(program.directory, "auth.db"), userId]);
}
