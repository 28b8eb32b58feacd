import type { Plugin } from "vite";

/**
 * Keeps sonner from adding its styles as a `<style>` element, which the Content-Security-Policy refuses.
 * They are imported as a stylesheet instead (`src/ui/toaster.tsx`).
 */
export function stylesheetsOnly(): Plugin {
  return {
    name: "portico:stylesheets-only",
    apply: "build",
    transform: {
      filter: { id: /node_modules\/sonner\/dist\/index\.mjs$/ },
      handler(code) {
        const inserts = /__insertCSS\("/g;
        if (code.match(inserts)?.length !== 1) {
          this.error("sonner inserts its styles in another way than before: see build/stylesheets-only.ts");
        }
        return { code: code.replace(inserts, 'void ("'), map: null };
      },
    },
  };
}
