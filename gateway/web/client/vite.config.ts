import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig, type ProxyOptions } from "vite";
import { budget } from "./build/budget.ts";
import { precompress } from "./build/precompress.ts";
import { serviceWorker } from "./build/service-worker.ts";
import { stylesheetsOnly } from "./build/stylesheets-only.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The gateway behind the development server: one origin for both, as in production. */
const gateway: ProxyOptions = { target: process.env.PORTICO_URL ?? "http://127.0.0.1:8080", ws: true };
const proxy = { "/api": gateway, "/socket.io": gateway, "/dev": gateway, "/docs": gateway };

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    stylesheetsOnly(),
    budget({ kilobytes: 150 }),
    serviceWorker(),
    precompress(),
  ],
  resolve: {
    alias: {
      "@": path("./src"),
      "@portico/sdk/react": path("../sdk/src/react/index.ts"),
      "@portico/sdk": path("../sdk/src/index.ts"),
      "react-style-singleton": path("./src/lib/style-singleton.ts"),
    },
    dedupe: ["react", "react-dom", "@tanstack/react-query"],
  },
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    // Everything is a file of its own: a `data:` script or font would need a weaker Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { port: 5173, strictPort: true, proxy },
  preview: { port: 4173, strictPort: true, proxy },
});
