import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Fails the build when the JavaScript that every first visit loads is larger than it may be, gzip-compressed. */
export function budget({ kilobytes }: { kilobytes: number }): Plugin {
  let publicDir: string;
  return {
    name: "portico:budget",
    apply: "build",
    configResolved(config) {
      publicDir = config.publicDir;
    },
    generateBundle: {
      // When index.html is written, and names its scripts and what they import.
      order: "post",
      handler(_options, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") {
          this.error("the build has no index.html");
        }
        const loaded = page.source.toString().matchAll(/(?:src|href)="\/([^"]+\.js)"/g);
        let bytes = 0;
        for (const [, file = ""] of loaded) {
          const chunk = bundle[file];
          const code = chunk?.type === "chunk" ? chunk.code : readFileSync(join(publicDir, file));
          bytes += gzipSync(code, { level: 9 }).length;
        }
        const used = (bytes / 1000).toFixed(1);
        if (bytes === 0 || bytes > kilobytes * 1000) {
          this.error(`initial JavaScript is ${used} KB compressed, the budget ${kilobytes} KB`);
        }
        this.info(`initial JavaScript is ${used} KB compressed, of ${kilobytes} KB`);
      },
    },
  };
}
