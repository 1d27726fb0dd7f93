import { fileURLToPath } from "node:url";
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PushContextStore } from "../src/chat/push/push_context";

// With the types of a worker, which differ from those of a page.
const WORKER = fileURLToPath(new URL("../worker/push.ts", import.meta.url));

let path = 0;
let page: string;
let handlers: Map<string, (event: object) => void>;
let shown: { tag: string; title: string; close: () => void }[];
const tab = { postMessage: vi.fn(), focus: vi.fn(async () => undefined) };
const self = {
  navigator: { setAppBadge: vi.fn(async () => undefined) },
  clients: { matchAll: vi.fn(async (): Promise<object[]> => []), openWindow: vi.fn(async () => null) },
  registration: {
    showNotification: vi.fn(async (title: string, { tag }: { tag: string }) => {
      shown.push({ tag, title, close: () => (shown = shown.filter((each) => each.tag !== tag)) });
    }),
    getNotifications: async () => shown,
    pushManager: { subscribe: vi.fn(async () => ({})) },
  },
};

beforeEach(async () => {
  vi.clearAllMocks();
  page = `https://chat.example/${++path}/`;
  handlers = new Map();
  shown = [];
  const addEventListener = (name: string, handler: (event: object) => void) => handlers.set(name, handler);
  vi.stubGlobal("self", { ...self, addEventListener, location: new URL("service_worker.js", page) });
  vi.resetModules();
  await import(/* @vite-ignore */ WORKER);
});
afterEach(() => void vi.unstubAllGlobals());

async function happens(name: string, event: object): Promise<void> {
  const waited: Promise<unknown>[] = [];
  handlers.get(name)?.({ ...event, waitUntil: (promise: Promise<unknown>) => waited.push(promise) });
  await Promise.all(waited);
}

const push = (payload: object) => happens("push", { data: { json: () => payload } });
const signIn = (userId: string) =>
  new PushContextStore(page).write({ userId, subscriptionId: "1", endpoint: "", names: {}, pictures: {} });
const pushed = (id: string) => ({
  id,
  type: "direct",
  title: "bob",
  body: "Hi",
  conversationId: "c",
  actorId: "bob",
  badge: 2,
});

it("shows what is pushed once, and the badge", async () => {
  await signIn("alice");
  await push(pushed("10"));
  await push(pushed("10"));
  expect(self.registration.showNotification).toHaveBeenCalledTimes(1);
  expect(self.navigator.setAppBadge).toHaveBeenLastCalledWith(2);
});

it("shows nothing to who has signed out", async () => {
  await push(pushed("11"));
  expect(shown).toEqual([]);
});

it("closes what was read elsewhere, and nothing else", async () => {
  await signIn("carol");
  await push(pushed("12"));
  await push(pushed("13"));
  await push({ type: "dismiss", ids: ["12"], badge: 1 });
  expect(shown.map(({ tag }) => tag)).toEqual(["13"]);
  expect(self.navigator.setAppBadge).toHaveBeenLastCalledWith(1);
});

const click = (data: object) =>
  happens("notificationclick", { notification: { tag: "14", data, close: () => undefined } });

it("opens a page at the message when none is open", async () => {
  self.clients.matchAll.mockResolvedValueOnce([{ ...tab, url: "https://chat.example/other/" }]);
  await click({ conversationId: "a/b", messageId: "9" });
  expect(self.clients.openWindow).toHaveBeenCalledWith(`${page}#/conversation/a%2Fb/9`);
});

it("leads an open page to the message", async () => {
  self.clients.matchAll.mockResolvedValueOnce([{ ...tab, url: `${page}#/conversation/other` }]);
  await click({ conversationId: "c", messageId: "9" });
  expect(tab.postMessage).toHaveBeenCalledWith({ kind: "open", id: "14", conversationId: "c", messageId: "9" });
  expect(tab.focus).toHaveBeenCalled();
  expect(self.clients.openWindow).not.toHaveBeenCalled();
});

it("subscribes again when the browser has ended the subscription, and tells open pages", async () => {
  self.clients.matchAll.mockResolvedValueOnce([{ ...tab, url: page }]);
  const applicationServerKey = new Uint8Array([1]).buffer;
  await happens("pushsubscriptionchange", {
    oldSubscription: { options: { applicationServerKey } },
    newSubscription: null,
  });
  expect(self.registration.pushManager.subscribe).toHaveBeenCalledWith({ userVisibleOnly: true, applicationServerKey });
  expect(tab.postMessage).toHaveBeenCalledWith({ kind: "resubscribed" });
});
