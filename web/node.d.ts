/** What the build uses of Node. All of Node's types would replace those of browsers, such as what `setTimeout` returns. */
declare module "node:zlib" {
  export function brotliCompressSync(content: string | Uint8Array): Uint8Array;
  export function gzipSync(content: string | Uint8Array, options: { level: number }): Uint8Array;
}

declare module "node:url" {
  export function fileURLToPath(url: URL): string;
}

declare module "node:fs" {
  export function readdirSync(folder: string): string[];
  export function readFileSync(path: string, encoding: "utf8"): string;
}
