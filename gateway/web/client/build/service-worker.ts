import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformWithOxc, type Plugin } from "vite";

const source = fileURLToPath(new URL("../worker/sw.ts", import.meta.url));

/** Writes `sw.js`: the service worker, with the list of the files that this build consists of. */
export function serviceWorker(): Plugin {
  let publicDir = "";
  return {
    name: "portico:service-worker",
    apply: "build",
    configResolved(config) {
      publicDir = config.publicDir;
    },
    generateBundle: {
      // After Vite has made index.html.
      order: "post",
      async handler(_options, bundle) {
        const contents = new Map<string, string | Uint8Array>();
        for (const output of Object.values(bundle)) {
          if (!output.fileName.endsWith(".map")) {
            contents.set(`/${output.fileName}`, output.type === "chunk" ? output.code : output.source);
          }
        }
        for (const file of await readdir(publicDir)) {
          contents.set(`/${file}`, await readFile(join(publicDir, file)));
        }
        if (!contents.has("/index.html")) {
          this.error("the build has no index.html for the service worker to keep");
        }
        const files = [...contents.keys()].sort();
        const worker = await readFile(source, "utf8");
        const hash = createHash("sha256").update(worker);
        for (const file of files) {
          hash.update(file).update(contents.get(file) ?? "");
        }
        const release = { version: hash.digest("hex").slice(0, 16), files };
        const { code } = await transformWithOxc(worker, source, { sourcemap: false });
        this.emitFile({
          type: "asset",
          fileName: "sw.js",
          // A worker that is no module, which every browser runs, exports nothing.
          source: `const release = ${JSON.stringify(release)};\n${code.replace(/^export \{\s*\};?\n?/m, "")}`,
        });
      },
    },
  };
}
