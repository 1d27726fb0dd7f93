import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { builtFiles, SERVICE_WORKER } from "./built_files.ts";
import { compressed } from "./compressed.ts";
import { emojiData } from "./emoji_data.ts";
import { socketIoClient } from "./socket_io_client.ts";

/** Where the server finds the page: part of the Python package, and not of the repository. */
const PACKAGE = "../src/talkwire/web";

export default defineConfig({
  // The server may be mounted anywhere, so nothing is addressed from the root.
  base: "./",
  plugins: [react(), emojiData(), socketIoClient(), builtFiles("public"), compressed()],
  resolve: {
    // The library asks the browser to make HTML of `&name;`, which the page's policy forbids.
    alias: { "markdown-to-jsx/entities": new URL("./src/ui/timeline/html_entities.ts", import.meta.url).pathname },
  },
  build: {
    outDir: PACKAGE,
    emptyOutDir: true,
    assetsDir: "page",
    // The policy of the page lets nothing run but its own files: no data, no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    rolldownOptions: {
      input: { page: "index.html", [SERVICE_WORKER]: "worker/service_worker.ts" },
      output: {
        // A service worker keeps its address, or a page of yesterday would not find its successor.
        entryFileNames: ({ name }) => (name === SERVICE_WORKER ? `${name}.js` : "page/[name]-[hash].js"),
      },
    },
  },
  server: {
    // `npm run dev` beside a server that was started with `make run`.
    proxy: Object.fromEntries(
      ["/api", "/demo.json", "/healthz"]
        .map((path) => [path, "http://127.0.0.1:3000"])
        .concat([["/socket.io", "ws://127.0.0.1:3000"]]),
    ),
  },
  // Style sheets are read by a test; without this they are empty.
  test: { include: ["test/**/*.test.ts"], css: true },
});
