import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { clients } from "./clients.ts";
import { compressed } from "./compressed.ts";
import { embedScript } from "./embed_script.ts";
import { emojiData } from "./emoji_data.ts";
import { preloaded } from "./preloaded.ts";
import { serviceWorker } from "./service_worker.ts";
import { socketIoClient } from "./socket_io_client.ts";
import { apart, together } from "./test_files.ts";

/** Where the server finds the page: in the Python package, but not in the repository. */
const PACKAGE = "../src/talkwire/web";

export default defineConfig({
  // The server may be mounted below any path, so no URL starts at the root.
  base: "./",
  plugins: [react(), emojiData(), preloaded(), socketIoClient(), embedScript(), serviceWorker("public"), compressed()],
  resolve: {
    alias: {
      ...clients.alias,
    },
    dedupe: clients.dedupe,
  },
  build: {
    outDir: PACKAGE,
    emptyOutDir: true,
    assetsDir: "page",
    // The page's policy allows only files of its own: no data URLs, no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: {
      polyfill: false,
      // A script whose early load has failed could not be requested again in Chromium before 156.
      resolveDependencies: (_, files, { hostType }) =>
        hostType === "js" ? files.filter((file) => file.endsWith(".css")) : files,
    },
    target: "es2023",
    // The oldest browsers with popovers, `:has()` and `:dir()`.
    cssTarget: ["chrome120", "firefox125", "safari17"],
    rolldownOptions: {
      input: { page: "index.html" },
      output: {
        entryFileNames: "page/[name]-[hash].js",
        codeSplitting: {
          groups: [
            // In the first script, which needs nothing else to choose the language.
            { name: "start", tags: ["$initial"], priority: 4 },
            { name: "show", test: /\/ui\/show\.tsx$/, priority: 3 },
            // For members of teams only. What else its parts need is in the scripts of others. Only the desk uses the
            // library's rooms, and so what writes streams and asks.
            {
              name: "desk",
              test: /\/desk\/|\/streams\/(?:message_stream|written_parts)\.ts$|\/cards\/asking\.ts$/,
              priority: 2.5,
              includeDependenciesRecursively: false,
            },
            // With the first message that has parts, or the first agent that works on one.
            {
              name: "streams",
              test: /\/src\/(?:ui|chat)\/streams\/|\/people\/working\.ts$/,
              priority: 2.5,
              includeDependenciesRecursively: false,
            },
            { name: "chat", test: /\/ui\/signed_in\.tsx$/, priority: 2 },
            // What is shown later: what several of these parts share, and the parts of an area together.
            { name: "parts", minShareCount: 2, priority: 1 },
            { name: "code", test: /\/code_colours\.tsx$/ },
            { name: "calls", test: /\/calls\// },
            { name: "panels", test: /\/ui\/panel\// },
            { name: "settings", test: /\/ui\/settings\// },
            { name: "emoji", test: /\/ui\/emoji\// },
            { name: "dialogs", test: /\/ui\/|\/shrunk_picture\.ts$/ },
          ],
        },
      },
    },
  },
  // Apart from the page's scripts, whose number and sizes a test holds.
  worker: { rolldownOptions: { output: { entryFileNames: "page/workers/[name]-[hash].js" } } },
  server: {
    // For `npm run dev` beside a server that `make run` has started.
    proxy: Object.fromEntries(
      ["/api", "/demo.json", "/healthz"]
        .map((path) => [path, "http://127.0.0.1:3000"])
        .concat([["/socket.io", "ws://127.0.0.1:3000"]]),
    ),
  },
  test: {
    css: true, // a test reads style sheets, which are empty without this
    testTimeout: 60_000,
    pool: "threads",
    // A file that changes globals runs apart; the others share their modules, which halves the time.
    projects: [
      { extends: true, test: { name: "apart", include: apart } },
      { extends: true, test: { name: "together", include: together, isolate: false } },
    ],
  },
});
