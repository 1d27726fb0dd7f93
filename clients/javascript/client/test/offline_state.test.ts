import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import type { ClientState, Core } from "../src/core.ts";
import type { Offer } from "../src/server/payloads.ts";
import { OfflineState } from "../src/storage/offline_state.ts";
import { conversation, message } from "./samples.ts";
import { settled } from "./waiting.ts";

let databases = 0;

function coreOf(userId: string): Core {
  const state = createStore<ClientState>(
    () =>
      ({
        me: { id: userId },
        connected: true,
        conversations: {},
        nextConversations: null,
        timelines: {},
      }) as unknown as ClientState,
  );
  return {
    state,
    get now() {
      return state.getState();
    },
  } as unknown as Core;
}

const listOf = (...ids: string[]): ClientState["conversations"] =>
  Object.fromEntries(ids.map((id) => [id, conversation(id)]));
const timelineOf = (count: number, atEnd = true) => ({
  messages: Array.from({ length: count }, (_, index) => message(index + 1)),
  atStart: true,
  atEnd,
});

/** Leaves all open pages, and returns once everything is written. */
async function leavePage(): Promise<void> {
  dispatchEvent(new Event("pagehide"));
  await settled();
}

/** Opens a user's page and waits until the server has sent its list of conversations. */
function pageOf(name: string, conversations: ClientState["conversations"], userId = "alice") {
  const core = coreOf(userId);
  core.state.setState({ connected: false });
  const kept = new OfflineState(core, name);
  kept.started();
  core.state.setState({ conversations, timelines: {} });
  core.state.setState({ connected: true });
  return { kept, state: core.state };
}

const idsOf = async (kept: OfflineState) => Object.keys((await kept.read())?.timelines ?? {}).sort();

beforeEach(() => {
  const target = new EventTarget();
  vi.stubGlobal("addEventListener", target.addEventListener.bind(target));
  vi.stubGlobal("removeEventListener", target.removeEventListener.bind(target));
  vi.stubGlobal("dispatchEvent", target.dispatchEvent.bind(target));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("saves the conversations, and the newest messages of those whose end is loaded", async () => {
  const conversations = listOf("long", "short", "old");
  const { kept, state } = pageOf(`states ${++databases}`, conversations);
  state.setState({ timelines: { long: timelineOf(60), short: timelineOf(3), old: timelineOf(9, false) } });
  await leavePage();
  const found = await kept.read();
  expect(found?.conversations).toEqual(conversations);
  expect(found?.timelines.long).toEqual({ messages: timelineOf(60).messages.slice(10), atStart: false, atEnd: true });
  expect(found?.timelines.short).toEqual(timelineOf(3));
  expect(Object.keys(found?.timelines ?? {}).sort()).toEqual(["long", "short"]);
});

it("saves the newest offers of an opened conversation with its messages, also when only they have changed", async () => {
  const core = coreOf("alice");
  const offersOf = (count: number) => Array.from({ length: count }, (_, index) => ({ id: String(index) }) as Offer);
  let offers: readonly Offer[] | undefined;
  const of = (id: string) => (id === "one" ? { offers } : {});
  const kept = new OfflineState(core, `states ${++databases}`, { of, more: () => undefined });
  kept.started();
  core.state.setState({ conversations: listOf("one", "two"), timelines: { one: timelineOf(1), two: timelineOf(1) } });
  await leavePage();
  expect((await kept.read())?.offers).toEqual({});
  offers = offersOf(60);
  kept.changed();
  await leavePage();
  const found = await kept.read();
  expect(found?.offers).toEqual({ one: offersOf(60).slice(10) });
  expect(found?.timelines.one).toEqual(timelineOf(1));
});

it("saves the pins of an opened conversation, and what the application keeps beside the list", async () => {
  const core = coreOf("alice");
  let [pins, unread] = [[message(1)], 3];
  const of = (id: string) => (id === "one" ? { pins } : {});
  const kept = new OfflineState(core, `states ${++databases}`, { of, more: () => ({ unread }) });
  kept.started();
  core.state.setState({ conversations: listOf("one", "two"), timelines: { one: timelineOf(1), two: timelineOf(1) } });
  await leavePage();
  expect(await kept.read()).toMatchObject({ pins: { one: [message(1)] }, more: { unread: 3 } });
  [pins, unread] = [[], 0];
  kept.changed();
  await leavePage();
  expect(await kept.read()).toMatchObject({ pins: { one: [] }, more: { unread: 0 } });
  expect(await kept.readOpened("one")).toMatchObject({ pins: [] });
});

it("saves nothing that is shown without a server, and nothing after it has stopped", async () => {
  const core = coreOf("alice");
  const kept = new OfflineState(core, `states ${++databases}`);
  kept.started();
  core.state.setState({ connected: false, conversations: listOf("talk") });
  await leavePage();
  expect(await kept.read()).toBeUndefined();
  core.state.setState({ connected: true, conversations: listOf("talk") });
  kept.stopped();
  await leavePage();
  expect(await kept.read()).toBeUndefined();
});

it("shows a user only what was saved for that user, and removes it", async () => {
  const name = `states ${++databases}`;
  const alice = pageOf(name, listOf("talk"));
  const bob = pageOf(name, listOf("talk"), "bob");
  alice.state.setState({ timelines: { talk: timelineOf(3) } });
  await leavePage();
  expect(await idsOf(alice.kept)).toEqual(["talk"]);
  expect(await idsOf(bob.kept)).toEqual([]);
  bob.state.setState({ timelines: { talk: timelineOf(2) } });
  await leavePage();
  await alice.kept.forget();
  expect(await alice.kept.read()).toBeUndefined();
  const again = pageOf(name, listOf("talk"));
  await leavePage();
  expect(await idsOf(again.kept)).toEqual([]);
  expect(await idsOf(bob.kept)).toEqual(["talk"]);
});

it("keeps the messages of conversations that were opened before a reload", async () => {
  const name = `states ${++databases}`;
  const before = pageOf(name, listOf("one", "two"));
  before.state.setState({ timelines: { one: timelineOf(1), two: timelineOf(2) } });
  await leavePage();
  before.kept.stopped();
  const after = pageOf(name, listOf("one", "two"));
  after.state.setState({ timelines: { two: timelineOf(3) } });
  await leavePage();
  expect((await after.kept.read())?.timelines).toEqual({ one: timelineOf(1), two: timelineOf(3) });
  expect((await after.kept.readOpened("one"))?.timeline).toEqual(timelineOf(1));
  expect(await after.kept.readOpened("three")).toBeUndefined();
});

it("keeps what each of two tabs has opened", async () => {
  const name = `states ${++databases}`;
  const [one, two] = [pageOf(name, listOf("one", "two")), pageOf(name, listOf("one", "two"))];
  one.state.setState({ timelines: { one: timelineOf(1) } });
  two.state.setState({ timelines: { two: timelineOf(2) } });
  await leavePage();
  one.state.setState({ conversations: listOf("one", "two") });
  await leavePage();
  expect(await idsOf(one.kept)).toEqual(["one", "two"]);
});

it("removes the messages of a conversation that is missing in the whole list", async () => {
  const name = `states ${++databases}`;
  const before = pageOf(name, listOf("one", "two"));
  before.state.setState({ timelines: { one: timelineOf(1), two: timelineOf(2) } });
  await leavePage();
  before.kept.stopped();
  const after = pageOf(name, listOf("two"));
  await leavePage();
  expect(await idsOf(after.kept)).toEqual(["two"]);
});

it("keeps a conversation on a later page of the list, and removes one that leaves the list", async () => {
  const name = `states ${++databases}`;
  const before = pageOf(name, listOf("one", "two", "three"));
  before.state.setState({ timelines: { one: timelineOf(1), two: timelineOf(2), three: timelineOf(3) } });
  await leavePage();
  before.kept.stopped();
  const after = pageOf(name, listOf("one", "two"));
  after.state.setState({ nextConversations: "a cursor" });
  await leavePage();
  expect(await idsOf(after.kept)).toEqual(["one", "three", "two"]);
  after.state.setState({ conversations: listOf("two") });
  await leavePage();
  expect(await idsOf(after.kept)).toEqual(["three", "two"]);
});

it("keeps the messages of the 50 conversations that were written last", async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `c${10 + index}`);
  const { kept, state } = pageOf(`states ${++databases}`, listOf(...ids));
  await leavePage();
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const [index, id] of ids.entries()) {
    vi.setSystemTime(1_000_000 + index);
    state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: timelineOf(1) } }));
    dispatchEvent(new Event("pagehide"));
  }
  await settled();
  expect(await idsOf(kept)).toEqual(ids.slice(10));
});
