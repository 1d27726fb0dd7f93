/** Reads the address of a server, as far as React Native can: its `URL` lacks most properties before version 0.80. */

/** Returns the address below which a server's paths are, with a slash at its end. Throws `TypeError`. */
export function baseOf(url: string): string {
  const [origin, path] = partsOf(url);
  return `${origin}${path.replace(/(?<!\/)\/*$/, "/")}`;
}

/** Returns the origin of an address, such as `https://example.com`, and its path. */
export function partsOf(url: string): [origin: string, path: string] {
  const pattern = /^(https?:\/\/)(?:[^/?#@\s]*@)?([^/?#@\s]+)([^?#\s]*)(?:[?#]|$)/i;
  const [, scheme, host, path = ""] = pattern.exec(normal(url)) ?? [];
  if (host === undefined)
    throw new TypeError(`“${url}” is no address: give the server's, such as https://chat.example.com.`);
  return [`${scheme}${host}`, path || "/"];
}

/** Returns an address as browsers write it, without credentials; unchanged where `URL` cannot do that. */
function normal(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return "";
  }
  try {
    return `${parsed.origin}${parsed.pathname}`;
  } catch {
    return url;
  }
}
