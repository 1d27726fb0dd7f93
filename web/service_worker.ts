/** Builds the service worker as one script, and passes it the names of the files that the page loads. */

import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";
import { clients } from "./clients.ts";

const SOURCE = fileURLToPath(new URL("./worker/service_worker.ts", import.meta.url));
/** The worker keeps its name, so that an older page finds its successor. */
const NAME = "service_worker.js";
/** What the worker does not store: itself, what pages of applications load, and what only browsers load. */
const NOT_STORED = /^service_worker\.js$|^embed\.js$|^socket\.io\/|\.(html|map|png|webmanifest)$/;

/** `folder`: holds files that the build copies unchanged. */
export function serviceWorker(folder: string): Plugin {
  return {
    name: "service-worker",
    enforce: "post",
    generateBundle: {
      // After other plugins have removed chunks that hold only styles.
      order: "post",
      async handler(_, bundle) {
        const copied = (await this.fs.readdir(folder)).filter((name) => !NOT_STORED.test(name));
        const made = Object.keys(bundle).filter((name) => !NOT_STORED.test(name));
        const paths = [...made, ...copied].map((name) => `./${name}`).sort();
        // The name of a built file has a hash of its content.
        const contents = await Promise.all(
          copied.map((name) => this.fs.readFile(`${folder}/${name}`, { encoding: "utf8" })),
        );
        const version = await hashOf([...paths, ...contents].join("\n"));
        this.emitFile({ type: "asset", fileName: NAME, source: await scriptOf(paths, version) });
      },
    },
  };
}

/** Returns the worker's script. It is built by itself, because a worker that imports is not known to all browsers. */
async function scriptOf(paths: readonly string[], version: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    resolve: clients,
    define: { BUILT_FILES: JSON.stringify(paths), BUILD: JSON.stringify(version) },
    build: {
      write: false,
      target: "es2023",
      modulePreload: { polyfill: false },
      rolldownOptions: { input: SOURCE, output: { format: "iife", entryFileNames: NAME } },
    },
  });
  const [script] = (built as Rolldown.RolldownOutput).output;
  return script.code;
}

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new DataView(hash).getBigUint64(0).toString(16);
}
