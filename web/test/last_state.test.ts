import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import type { ChatState, Core } from "../src/chat/core";
import { LastState } from "../src/chat/last_state";
import { message } from "./messages";

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
let databases = 0;

function coreOf(userId: string): Core {
  const state = createStore<ChatState>(
    () => ({ me: { id: userId }, connected: true, conversations: {}, timelines: {} }) as unknown as ChatState,
  );
  return {
    state,
    get now() {
      return state.getState();
    },
  } as unknown as Core;
}

const conversations = { talk: { id: "talk" } } as unknown as ChatState["conversations"];
const timelineOf = (count: number, atEnd = true) => ({
  messages: Array.from({ length: count }, (_, index) => message(index + 1)),
  atStart: true,
  atEnd,
});

/** Leaves the page, and returns once everything is written. */
async function leavePage(): Promise<void> {
  dispatchEvent(new Event("pagehide"));
  await settled();
}

beforeEach(() => {
  const target = new EventTarget();
  vi.stubGlobal("addEventListener", target.addEventListener.bind(target));
  vi.stubGlobal("removeEventListener", target.removeEventListener.bind(target));
  vi.stubGlobal("dispatchEvent", target.dispatchEvent.bind(target));
});
afterEach(() => void vi.unstubAllGlobals());

it("keeps the conversations, and the newest messages of those whose end is here", async () => {
  const core = coreOf("alice");
  const kept = new LastState(core, `states ${++databases}`);
  kept.started();
  core.state.setState({
    conversations,
    timelines: { long: timelineOf(60), short: timelineOf(3), old: timelineOf(9, false) },
  });
  await leavePage();
  const found = await kept.read();
  expect(found?.conversations).toEqual(conversations);
  expect(found?.timelines.long).toEqual({ messages: timelineOf(60).messages.slice(10), atStart: false, atEnd: true });
  expect(found?.timelines.short).toEqual(timelineOf(3));
  expect(Object.keys(found?.timelines ?? {})).toEqual(["long", "short"]);
});

it("keeps nothing that is shown without a server, and nothing once it has stopped", async () => {
  const core = coreOf("alice");
  const kept = new LastState(core, `states ${++databases}`);
  kept.started();
  core.state.setState({ connected: false, conversations });
  await leavePage();
  expect(await kept.read()).toBeUndefined();
  core.state.setState({ connected: true, conversations: { ...conversations } });
  kept.stopped();
  await leavePage();
  expect(await kept.read()).toBeUndefined();
});

it("shows a user only what was kept for that user, and forgets it", async () => {
  const [name, core] = [`states ${++databases}`, coreOf("alice")];
  const kept = new LastState(core, name);
  kept.started();
  core.state.setState({ conversations });
  await leavePage();
  expect(await new LastState(coreOf("bob"), name).read()).toBeUndefined();
  await kept.forget();
  expect(await kept.read()).toBeUndefined();
});
