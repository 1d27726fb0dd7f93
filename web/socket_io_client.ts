/** Copies the official client's bundles and licence beside the page. The server serves them below /socket.io/. */

import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const PACKAGE = new URL("./node_modules/socket.io-client/", import.meta.url);
const BUNDLES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js"];

export function socketIoClient(): Plugin {
  return {
    name: "socket-io-client",
    async generateBundle() {
      const names = [...BUNDLES.flatMap((name) => [`dist/${name}`, `dist/${name}.map`]), "LICENSE"];
      for (const name of names) {
        const source = await this.fs.readFile(fileURLToPath(new URL(name, PACKAGE)));
        this.emitFile({ type: "asset", fileName: `socket.io/${name.replace("dist/", "")}`, source });
      }
    },
  };
}
