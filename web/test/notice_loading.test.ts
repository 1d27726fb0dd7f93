import type { Notice } from "@talkwire/client";
import type { ChatPart } from "@talkwire/client/parts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { conversation } from "../../clients/javascript/client/test/samples";
import { Notices } from "../src/chat/messages/notices";
import type { PageCore } from "../src/chat/page_core";

const page = (...ids: readonly string[]) => ({ items: ids.map((id) => ({ id }) as Notice), next: null });

const begin = async () => {
  const handlers = new Map<string, (payload: object) => void>();
  const state = createStore<object>(() => ({
    openId: null,
    connected: true,
    conversations: { c: conversation("c") },
    timelines: {},
  }));
  const get = vi.fn();
  const core = {
    state,
    get now() {
      return state.getState();
    },
    api: { get },
    on: (name: string, handler: (payload: object) => void) => handlers.set(name, handler),
  };
  const notices = new Notices(core as unknown as PageCore);
  const part: ChatPart = notices;
  const shown = () => notices.state.getState().c?.notices.map(({ id }) => id);
  /** What follows an event, which names no notice. */
  const happens = async () => {
    handlers.get("member:updated")?.({ conversationId: "c" });
    await vi.runAllTimersAsync();
  };
  const lose = () => {
    state.setState({ connected: false });
    part.lost?.();
  };
  const connect = async () => {
    state.setState({ connected: true });
    part.connected?.();
    await vi.runAllTimersAsync();
  };
  get.mockResolvedValueOnce(page("1"));
  state.setState({ openId: "c" });
  await vi.runAllTimersAsync();
  return { part, state, get, shown, happens, lose, connect };
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("notices stay when newer ones cannot be loaded, and the next connection loads these", async () => {
  const { get, shown, happens, lose, connect } = await begin();
  get.mockRejectedValueOnce(new Error("offline"));
  await happens();
  lose();
  expect(shown()).toEqual(["1"]);
  get.mockResolvedValueOnce(page("2", "1"));
  await connect();
  expect(shown()).toEqual(["1", "2"]);
  get.mockResolvedValueOnce(page("3", "2", "1"));
  await happens();
  expect(shown()).toEqual(["1", "2", "3"]);
});

it("an event just before the connection is lost is asked about by the next one", async () => {
  const { get, shown, happens, lose, connect } = await begin();
  lose();
  await happens();
  expect(get).toHaveBeenCalledTimes(1);
  get.mockResolvedValueOnce(page("2", "1"));
  await connect();
  expect(shown()).toEqual(["1", "2"]);
});

it("a request that the lost connection leaves without an answer is made again", async () => {
  const { get, shown, happens, lose, connect } = await begin();
  get.mockReturnValueOnce(new Promise(() => undefined));
  await happens();
  lose();
  get.mockResolvedValueOnce(page("2", "1"));
  await connect();
  expect(shown()).toEqual(["1", "2"]);
});

it("an event during a request is asked about after it", async () => {
  const { get, shown, happens } = await begin();
  let answer: (found: object) => void = () => undefined;
  get.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  await happens();
  await happens();
  get.mockResolvedValueOnce(page("2", "1"));
  answer(page("1"));
  await vi.runAllTimersAsync();
  expect(shown()).toEqual(["1", "2"]);
});

it("notices stay while all is reloaded, also in a conversation that is found later than the others", async () => {
  const { part, state, get, shown, lose, connect } = await begin();
  lose();
  state.setState({ conversations: {} });
  part.loaded?.();
  await connect();
  expect(shown()).toEqual(["1"]);
  get.mockResolvedValueOnce(page("2", "1"));
  state.setState({ conversations: { c: conversation("c") } });
  await vi.runAllTimersAsync();
  expect(shown()).toEqual(["1", "2"]);
  expect(get).toHaveBeenCalledTimes(2);
});

it("a connection asks for nothing that is loaded", async () => {
  const { get, lose, connect } = await begin();
  lose();
  await connect();
  expect(get).toHaveBeenCalledTimes(1);
});
