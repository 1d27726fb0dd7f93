/** Builds the web component of `@talkwire/embed` as one script, for applications without a build of their own. */

import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";

const SOURCE = fileURLToPath(new URL("../clients/javascript/embed/src/index.ts", import.meta.url));
/** A name that applications know. */
const NAME = "embed.js";

export function embedScript(): Plugin {
  return {
    name: "embed-script",
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: NAME, source: await scriptOf() });
    },
  };
}

async function scriptOf(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      write: false,
      target: "es2022",
      modulePreload: { polyfill: false },
      rolldownOptions: { input: SOURCE, preserveEntrySignatures: "strict", output: { entryFileNames: NAME } },
    },
  });
  const [script] = (built as Rolldown.RolldownOutput).output;
  return script.code;
}
