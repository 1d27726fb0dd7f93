/** Imports of scripts that can fail, because the network or the server is away, and be repeated. */

/** Only Chromium names the script. */
const FAILED = /^Failed to fetch dynamically imported module: (\S+)$/;

let repeats = 0;

/**
 * Returns a function that imports a script; a call after a failure requests the script again. Chromium before 156 never
 * requests an address again that has failed (https://github.com/whatwg/html/issues/6768), so it is given another one.
 */
export function repeatable<T>(
  load: () => Promise<T>,
  importFrom = (address: string): Promise<T> => import(/* @vite-ignore */ address),
): () => Promise<T> {
  let next = load;
  return async () => {
    try {
      return await next();
    } catch (error) {
      const address = FAILED.exec(error instanceof Error ? error.message : "")?.[1];
      if (address !== undefined) {
        const another = new URL(address);
        another.search = `again=${++repeats}`;
        next = () => importFrom(another.href);
      }
      throw error;
    }
  };
}
