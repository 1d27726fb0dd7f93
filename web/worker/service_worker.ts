/**
 * Caches the page's own files, so that a reload shows the page while the server is unreachable. The page itself is
 * requested from the server first, so a new version shows at once. Requests to the API, files and sockets pass through.
 */

import "./push";

declare const self: ServiceWorkerGlobalScope;

/** The paths of the built files, relative to this one. The build fills them in. */
declare const BUILT_FILES: readonly string[];
/** Changes with every build. */
declare const BUILD: string;

const ANSWER_MS = 4_000;

const { href: page, pathname } = new URL("./", self.location.href);
const files = new Set(BUILT_FILES.map((path) => new URL(path, page).href));

/**
 * The prefix of this page's cache names. All pages of an origin share its caches. A path has no space, so no page below
 * another path has names with this prefix.
 */
const PREFIX = `talkwire-page-${pathname} `;
const CACHE = PREFIX + BUILD;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([page, ...files]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOlder().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  // A query or a fragment does not choose another page.
  if (request.mode === "navigate" && url.origin + url.pathname === page) event.respondWith(newest(request));
  else if (files.has(url.href)) event.respondWith(kept(request));
});

async function dropOlder(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
}

/** Returns the server's page; the cached one when the server does not answer in time or has an error. */
async function newest(request: Request): Promise<Response> {
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.status < 500) return response;
  } catch {
    // The server cannot be reached.
  }
  return (await caches.match(page, { cacheName: CACHE })) ?? fetch(request);
}

/** A file has one content, whatever headers a request has. */
async function kept(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE, ignoreVary: true })) ?? fetch(request);
}
