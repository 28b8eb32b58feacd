import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Fails the build when the JavaScript that every first visit loads is larger than it may be, gzip-compressed. */
export function budget({ kilobytes }: { kilobytes: number }): Plugin {
  return {
    name: "portico:budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const initial = new Set<string>();
      const add = (fileName: string) => {
        const chunk = bundle[fileName];
        if (chunk?.type !== "chunk" || initial.has(fileName)) {
          return;
        }
        initial.add(fileName);
        chunk.imports.forEach(add);
      };
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk" && chunk.isEntry) {
          add(chunk.fileName);
        }
      }
      let bytes = 0;
      for (const fileName of initial) {
        const chunk = bundle[fileName];
        bytes += chunk?.type === "chunk" ? gzipSync(chunk.code, { level: 9 }).length : 0;
      }
      const used = (bytes / 1000).toFixed(1);
      if (bytes > kilobytes * 1000) {
        this.error(`initial JavaScript is ${used} KB compressed, over the budget of ${kilobytes} KB`);
      }
      this.info(`initial JavaScript is ${used} KB compressed, of ${kilobytes} KB`);
    },
  };
}
