// Two workers behind one port.
import cluster from "node:cluster";
import { randomBytes } from "node:crypto";

const WORKERS = 2;
const port = Number(process.env.PORT);

if (cluster.isPrimary) {
  const { prepare } = await import("./prepare.js");
  await prepare();
  const environment = { TOKEN_SECRET: randomBytes(32).toString("base64") };
  const workers = Array.from({ length: WORKERS }, () => cluster.fork(environment));

  let listening = 0;
  cluster.on("listening", () => {
    listening += 1;
    if (listening === WORKERS) console.log(`ready http://127.0.0.1:${port}`);
  });
  // The benchmark is of two workers or of none.
  cluster.on("exit", (_worker, code) => process.exit(code || 1));
  process.on("SIGTERM", () => {
    for (const worker of workers) worker.process.kill();
    process.exit();
  });
} else {
  const { app } = await import("./app.js");
  app.listen(port, "127.0.0.1");
}
