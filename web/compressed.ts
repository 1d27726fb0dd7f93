/** Writes a gzip copy of each script and style, which the server sends to clients that accept gzip. */

import type { Plugin } from "vite";

export function compressed(): Plugin {
  return {
    name: "compressed",
    enforce: "post",
    generateBundle: {
      // After other plugins have filled in what a script loads later.
      order: "post",
      async handler(_, bundle) {
        for (const file of Object.values(bundle)) {
          if (!/\.(js|css)$/.test(file.fileName)) continue;
          const source = await gzipped(file.type === "chunk" ? file.code : file.source);
          this.emitFile({ type: "asset", fileName: `${file.fileName}.gz`, source });
        }
      },
    },
  };
}

async function gzipped(content: string | Uint8Array<ArrayBufferLike>): Promise<Uint8Array> {
  const stream = new Blob([content as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
