import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const compressible = /\.(css|html|js|json|map|svg|txt|webmanifest)$/;

const encodings = [
  {
    suffix: ".br",
    encode: (content: Buffer) =>
      promisify(brotliCompress)(content, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      }),
  },
  { suffix: ".gz", encode: (content: Buffer) => promisify(gzip)(content, { level: 9 }) },
];

/** Writes `.br` and `.gz` beside each file of the build that they make smaller, for the gateway to serve. */
export function precompress(): Plugin {
  return {
    name: "portico:precompress",
    apply: "build",
    // After everything that writes a file.
    enforce: "post",
    async writeBundle({ dir }) {
      if (dir === undefined) {
        this.error("the build has no directory");
      }
      const files = await readdir(dir, { recursive: true });
      await Promise.all(
        files.filter((file) => compressible.test(file)).map((file) => compress(join(dir, file))),
      );
    },
  };
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path);
  for (const { suffix, encode } of encodings) {
    const encoded = await encode(content);
    if (encoded.length < content.length) {
      await writeFile(path + suffix, encoded);
    }
  }
}
