import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type LoadingState, startLoading } from "../src/ui/page/parts_loading";

let states: LoadingState[];
let loaded: string[];
let online: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  states = [];
  loaded = [];
  online = new EventTarget();
  vi.stubGlobal("addEventListener", online.addEventListener.bind(online));
  vi.stubGlobal("removeEventListener", online.removeEventListener.bind(online));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Starts to load a part. `failures`: how many tries fail. */
function start(failures: number, isReachable = true) {
  const load = vi.fn(async () => {
    if (load.mock.calls.length <= failures) throw new Error("404");
    return "part";
  });
  const listener = {
    onState: (state: LoadingState) => states.push(state),
    onLoaded: (part: string) => loaded.push(part),
  };
  return { load, loading: startLoading(load, listener, async () => isReachable) };
}

it("a part that arrives says nothing", async () => {
  start(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([states, loaded]).toEqual([[], ["part"]]);
});

it("a part that fails says so, and comes when it can be loaded", async () => {
  const { load } = start(2, false);
  await vi.advanceTimersByTimeAsync(0);
  expect(states).toEqual(["unreachable"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([states.length, loaded]).toEqual([2, []]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([load.mock.calls.length, loaded]).toEqual([3, ["part"]]);
});

it("a part that the server does not have any more is missing", async () => {
  start(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(states).toEqual(["missing"]);
});

it("a part that takes long is late", async () => {
  const listener = { onState: (state: LoadingState) => states.push(state), onLoaded: () => undefined };
  startLoading(
    () => new Promise<string>(() => undefined),
    listener,
    async () => true,
  );
  await vi.advanceTimersByTimeAsync(1_999);
  expect(states).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(states).toEqual(["late"]);
});

it("a part that nobody waits for does not come later", async () => {
  const { load, loading } = start(1);
  await vi.advanceTimersByTimeAsync(0);
  loading.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  online.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([load.mock.calls.length, loaded]).toEqual([1, []]);
});

it("a part that arrives after the reader has given up is not shown", async () => {
  let arrive = (_: string): void => undefined;
  const listener = {
    onState: (state: LoadingState) => states.push(state),
    onLoaded: (part: string) => loaded.push(part),
  };
  const load = () => new Promise<string>((resolve) => (arrive = resolve));
  const loading = startLoading(load, listener, async () => true);
  await vi.advanceTimersByTimeAsync(2_000);
  loading.stop();
  arrive("part");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([states, loaded]).toEqual([["late"], []]);
});

it("the reader and the network end a pause", async () => {
  const { load, loading } = start(2);
  await vi.advanceTimersByTimeAsync(0);
  loading.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect([load.mock.calls.length, states]).toEqual([2, ["missing", "late", "missing"]]);
  online.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect([load.mock.calls.length, loaded]).toEqual([3, ["part"]]);
});
