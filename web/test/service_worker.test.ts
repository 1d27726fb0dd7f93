import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const ORIGIN = "https://chat.example";
// With the types of a worker, which differ from those of a page.
const WORKER = fileURLToPath(new URL("../worker/service_worker.ts", import.meta.url));

interface ExtendableEvent {
  waitUntil(promise: Promise<unknown>): void;
}

/** The URLs in each cache of the origin. */
let caches: Map<string, string[]>;

/** Installs and activates the worker of a build below a path, as a browser does. */
async function install(path: string, build: string): Promise<void> {
  const handlers = new Map<string, (event: ExtendableEvent) => void>();
  vi.stubGlobal("BUILD", build);
  vi.stubGlobal("BUILT_FILES", ["./page/index.js"]);
  vi.stubGlobal("self", {
    location: new URL(`${path}service_worker.js`, ORIGIN),
    addEventListener: (name: string, handler: (event: ExtendableEvent) => void) => handlers.set(name, handler),
    skipWaiting: async () => undefined,
    clients: { claim: async () => undefined },
  });
  vi.resetModules();
  await import(/* @vite-ignore */ WORKER);
  for (const name of ["install", "activate"]) {
    let done: Promise<unknown> | undefined;
    handlers.get(name)?.({ waitUntil: (promise) => (done = promise) });
    await done;
  }
}

/** The pages that are cached, in the order of their installation. */
const pagesKept = () => [...caches.values()].map((addresses) => addresses[0]);

beforeEach(() => {
  caches = new Map();
  vi.stubGlobal("caches", {
    open: async (name: string) => ({
      addAll: async (addresses: string[]) => void caches.set(name, addresses),
    }),
    keys: async () => [...caches.keys()],
    delete: async (name: string) => caches.delete(name),
  });
});
afterEach(() => void vi.unstubAllGlobals());

it("keeps the files of one build", async () => {
  await install("/", "1");
  await install("/", "2");
  expect([...caches.values()]).toEqual([[`${ORIGIN}/`, `${ORIGIN}/page/index.js`]]);
});

it("leaves the caches of chats below other paths of the origin alone", async () => {
  const paths = ["/a/", "/ab/", "/a/b/", "/"];
  for (const build of ["1", "2", "2"]) for (const path of paths) await install(path, build);
  expect(pagesKept().sort()).toEqual(paths.map((path) => `${ORIGIN}${path}`).sort());
});
