/**
 * Addresses as texts. React Native's `URL` lacks most of its properties before version 0.80, and joins addresses in its own
 * way in later ones.
 */

/** Returns the address below which a server's paths are, with a slash at its end. Throws `TypeError`. */
export function baseOf(url: string): string {
  const [origin, path] = partsOf(url);
  return `${origin}${path.replace(/(?<!\/)\/*$/, "/")}`;
}

/** Returns what relative paths of a page are relative to. */
export function folderOf(page: string): string {
  return page.replace(/[?#].*$/s, "").replace(/[^/]*$/, "");
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

/** Returns an address with another value of a parameter, or without the parameter. */
export function withParameter(url: string, name: string, value?: string): string {
  const [, path = "", query = "", hash = ""] = /^([^?#]*)\??([^#]*)(#?.*)$/s.exec(url) ?? [];
  const others = query.split("&").filter((each) => each !== "" && each.split("=", 1)[0] !== name);
  const all = value === undefined ? others : [...others, `${name}=${encodeURIComponent(value)}`];
  return `${path}${all.length === 0 ? "" : "?"}${all.join("&")}${hash}`;
}
