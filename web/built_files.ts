/** Passes the names of the built files to the service worker. */

import type { Plugin } from "vite";

export const SERVICE_WORKER = "service_worker";

/** `folder`: holds files that the build copies unchanged. */
export function builtFiles(folder: string): Plugin {
  return {
    name: "built-files",
    enforce: "post",
    generateBundle: {
      // After other plugins have removed chunks that hold only styles.
      order: "post",
      async handler(_, bundle) {
        const worker = bundle[`${SERVICE_WORKER}.js`];
        if (worker?.type !== "chunk") throw new Error("the service worker was not built");
        const made = Object.keys(bundle).filter(
          (name) => !/^service_worker\.js$|^socket\.io\/|\.(html|map)$/.test(name),
        );
        const copied = await this.fs.readdir(folder);
        const paths = [...made, ...copied].map((name) => `./${name}`).sort();
        // The name of a built file has a hash of its content.
        const contents = await Promise.all(
          copied.map((name) => this.fs.readFile(`${folder}/${name}`, { encoding: "utf8" })),
        );
        const build = await hashOf([...paths, ...contents].join("\n"));
        worker.code = worker.code
          .replace("BUILT_FILES", JSON.stringify(paths))
          .replace(/\bBUILD\b/, JSON.stringify(build));
      },
    },
  };
}

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new DataView(hash).getBigUint64(0).toString(16);
}
