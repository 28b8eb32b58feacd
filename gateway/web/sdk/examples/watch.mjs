import { createPortico } from "@portico/sdk";

const portico = createPortico({ baseUrl: process.env.PORTICO_URL ?? "http://localhost:8080" });
const email = `ada-${Date.now()}@example.com`;
await portico.auth.register({ email, password: "countess of lovelace", name: "Ada" });
const project = await portico.projects.create({ name: "Analytical Engine" });
const seen = new Promise((resolve) =>
  portico.live.subscribe(({ name, payload }) => {
    console.log(name, payload);
    if (name === "project:updated") resolve();
  }),
);
await portico.live.join(project.id);
await portico.projects.update(project.id, { description: "It weaves algebraic patterns." });
await seen;
portico.close();
