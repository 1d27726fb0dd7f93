/**
 * Builds the operators' console into the folder of the web client, which is built before. It is a build of its own, so
 * that the web client's first page shares no script with it, and the service worker stores nothing of it.
 */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { clients } from "./clients.ts";
import { compressed } from "./compressed.ts";

export default defineConfig({
  base: "./",
  plugins: [react(), compressed()],
  resolve: { alias: clients.alias, dedupe: clients.dedupe },
  build: {
    outDir: "../src/talkwire/web",
    emptyOutDir: false,
    copyPublicDir: false,
    assetsDir: "page",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    // The oldest browsers with popovers, `:has()` and `:dir()`.
    cssTarget: ["chrome120", "firefox125", "safari17"],
    rolldownOptions: { input: { admin: "admin.html" }, output: { entryFileNames: "page/[name]-[hash].js" } },
  },
});
