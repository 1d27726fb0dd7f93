import "fake-indexeddb/auto";
import { RequestError } from "@talkwire/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import type { PageCore } from "../src/chat/page_core";
import { Push } from "../src/chat/push/push";
import { PushContextStore } from "../src/chat/push/push_context";

const { registration } = vi.hoisted(() => ({ registration: { current: undefined as object | undefined } }));
vi.mock("../src/service_worker_registration", () => ({ workerRegistration: async () => registration.current }));

const KEY = "AAEC";
let paths = 0;
let subscriptions = 0;
let saved: Map<string, string>;

/** A browser's push manager, with one subscription at most. */
class FakeManager {
  current: { endpoint: string; key: string } | null = null;

  readonly subscribe = vi.fn(async ({ applicationServerKey }: { applicationServerKey: string }) => {
    this.current = { endpoint: `https://push.example/${++subscriptions}`, key: applicationServerKey };
    return this.#subscription(this.current);
  });

  async getSubscription(): Promise<object | null> {
    return this.current === null ? null : this.#subscription(this.current);
  }

  #subscription({ endpoint, key }: { endpoint: string; key: string }): object {
    const keys = { p256dh: "P", auth: "A" };
    return {
      endpoint,
      options: { applicationServerKey: Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0)).buffer },
      toJSON: () => ({ endpoint, keys }),
      unsubscribe: async () => {
        this.current = null;
        return true;
      },
    };
  }
}

/** A server with push, the devices that it knows, and the endpoints that their user has removed. */
function serverWith(devices: Map<string, string>, removed: Set<string>) {
  return {
    get: vi.fn(async (path: string): Promise<unknown> => {
      if (path === "push/key") return { publicKey: KEY };
      return { items: [...devices.keys()].map((id) => ({ id })) };
    }),
    put: vi.fn(async (_: string, { endpoint, renew }: { endpoint: string; renew: boolean }) => {
      if (renew && removed.has(endpoint)) throw new RequestError({ code: "conflict", message: "" });
      const id = `id of ${endpoint}`;
      devices.set(id, endpoint);
      return { id };
    }),
    delete: vi.fn(async (path: string) => void devices.delete(decodeURIComponent(path.split("/").at(-1) ?? ""))),
  };
}

function begin(
  manager: FakeManager | undefined,
  { userId = "alice", devices = new Map<string, string>(), removed = new Set<string>() } = {},
) {
  registration.current = { pushManager: manager, getNotifications: async () => [] };
  const api = serverWith(devices, removed);
  const core = { api, now: { me: { id: userId }, conversations: { g: conversation("g", { name: "Plans" }) } } };
  const contexts = new PushContextStore(`https://chat.example/${paths}/`);
  const push = new Push(core as unknown as PageCore, contexts);
  return { push, api, contexts, devices, state: () => push.state.getState() };
}

beforeEach(() => {
  paths += 1;
  saved = new Map();
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { userAgent: "Chrome" });
  vi.stubGlobal("Notification", { permission: "granted" });
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => saved.get(key) ?? null,
    setItem: (key: string, value: string) => saved.set(key, value),
  });
});
afterEach(() => void vi.unstubAllGlobals());

it("subscribes with the server's key, and tells the service worker whose it is", async () => {
  const manager = new FakeManager();
  const { push, api, contexts, state } = begin(manager);
  await push.subscribe();
  const { endpoint } = manager.current ?? { endpoint: "" };
  expect(manager.current?.key).toBe(KEY);
  expect(api.put).toHaveBeenCalledWith(
    "users/me/push",
    expect.objectContaining({ endpoint, keys: { p256dh: "P", auth: "A" } }),
  );
  expect(state()).toEqual({ id: `id of ${endpoint}`, problem: null });
  expect(await contexts.read()).toMatchObject({ userId: "alice", endpoint, names: { g: "Plans" } });
});

it("renews its subscription at each start", async () => {
  const manager = new FakeManager();
  const { push, api, devices } = begin(manager);
  await push.subscribe();
  expect(api.put).toHaveBeenCalledWith("users/me/push", expect.objectContaining({ renew: false }));
  const later = begin(manager, { devices });
  await later.push.subscribe();
  expect(later.api.put).toHaveBeenCalledWith("users/me/push", expect.objectContaining({ renew: true }));
  expect(manager.subscribe).toHaveBeenCalledTimes(1);
  expect(later.state().id).toBe([...devices.keys()][0]);
});

it("subscribes again when the server has lost its subscription", async () => {
  const manager = new FakeManager();
  const { push, devices } = begin(manager);
  await push.subscribe();
  devices.clear();
  const later = begin(manager, { devices });
  await later.push.subscribe();
  expect([...devices.values()]).toEqual([manager.current?.endpoint]);
  expect(saved.has("talkwire.notifications-off")).toBe(false);
});

it("tells the server of a subscription that the browser has replaced", async () => {
  const manager = new FakeManager();
  const { push, devices } = begin(manager);
  await push.subscribe();
  await manager.subscribe({ applicationServerKey: KEY });
  await push.subscribe();
  expect([...devices.values()]).toContain(manager.current?.endpoint);
});

it("subscribes again when the server has another key", async () => {
  const manager = new FakeManager();
  const { push, devices } = begin(manager);
  await push.subscribe();
  const { api, ...later } = begin(manager, { devices });
  api.get.mockImplementation(async (path) => (path === "push/key" ? { publicKey: "BBBB" } : { items: [] }));
  await later.push.subscribe();
  expect(manager.current?.key).toBe("BBBB");
  expect(later.state().id).toBe(`id of ${manager.current?.endpoint}`);
});

it("takes over no subscription of another user of the browser", async () => {
  const manager = new FakeManager();
  const bob = begin(manager, { userId: "bob" });
  await bob.push.subscribe();
  const { endpoint } = manager.current ?? {};
  await begin(manager).push.subscribe();
  expect(manager.current?.endpoint).not.toBe(endpoint);
  // Signing out in a tab of another user leaves it alone.
  await bob.push.unsubscribe();
  expect(manager.current).not.toBeNull();
});

it("stays off when it was removed on another device", async () => {
  const manager = new FakeManager();
  const { push } = begin(manager);
  await push.subscribe();
  const later = begin(manager, { removed: new Set([manager.current?.endpoint ?? ""]) });
  await later.push.subscribe();
  expect(manager.current).toBeNull();
  expect(saved.has("talkwire.notifications-off")).toBe(true);
  expect(later.state()).toEqual({ id: null, problem: null });
});

it("ends here and on the server", async () => {
  const manager = new FakeManager();
  const { push, contexts, devices, state } = begin(manager);
  await push.subscribe();
  await push.unsubscribe();
  expect([devices.size, manager.current, await contexts.read(), state().id]).toEqual([0, null, undefined, null]);
});

it("ends here when the server cannot be reached", async () => {
  const manager = new FakeManager();
  const { push, api } = begin(manager);
  await push.subscribe();
  api.delete.mockRejectedValueOnce(new RequestError({ code: "unreachable", message: "" }));
  await push.unsubscribe();
  expect(manager.current).toBeNull();
});

it("says why nothing is pushed", async () => {
  const without = begin(undefined);
  await without.push.subscribe();
  expect(without.state().problem).toBe("browser");

  const manager = new FakeManager();
  const { push, api, state } = begin(manager);
  manager.subscribe.mockRejectedValueOnce(new DOMException("push service error", "AbortError"));
  await push.subscribe();
  expect(state().problem).toBe("service");
  api.get.mockRejectedValueOnce(new RequestError({ code: "not_found", message: "" }));
  await push.subscribe();
  expect(state().problem).toBe("server");
  // The next connection tries again.
  api.get.mockRejectedValueOnce(new RequestError({ code: "unreachable", message: "" }));
  await push.subscribe();
  expect(state()).toEqual({ id: null, problem: null });
});
