/**
 * Replaces the browser's storage by memory where the browser refuses it, as some do in frames of another site. The rest
 * of the client then works without knowing, for as long as the page is open. Imported before everything else.
 */

/** Returns storage that ends with the page. */
export function memoryStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}

/** A factory whose databases do not open. The client handles that event, and not the exception of blocked storage. */
const noDatabases = {
  open(): EventTarget {
    const request = new EventTarget();
    // The library `idb` recognizes requests by their class.
    Object.setPrototypeOf(request, IDBOpenDBRequest.prototype);
    Object.defineProperty(request, "error", { value: new DOMException("Storage is blocked.", "SecurityError") });
    queueMicrotask(() => request.dispatchEvent(new Event("error")));
    return request;
  },
};

function isBlocked(name: "localStorage" | "sessionStorage"): boolean {
  try {
    globalThis[name].getItem("");
    return false;
  } catch {
    return true;
  }
}

/** Replaces what is blocked. */
export function replaceBlockedStorage(): void {
  for (const name of ["localStorage", "sessionStorage"] as const) {
    if (!isBlocked(name)) continue;
    Object.defineProperty(globalThis, name, { value: memoryStorage(), configurable: true });
    Object.defineProperty(globalThis, "indexedDB", { value: noDatabases, configurable: true });
    // Locks are refused together with storage, and the client works without them.
    Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
  }
}

replaceBlockedStorage();
