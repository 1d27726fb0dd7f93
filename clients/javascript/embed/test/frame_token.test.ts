import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FrameToken } from "../src/frame_token.ts";

const onToken = vi.fn();
const onError = vi.fn();

function requested(source: () => string | null | Promise<string>): FrameToken {
  const token = new FrameToken();
  token.onToken = onToken;
  token.onError = onError;
  token.source = source;
  token.request();
  return token;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
});
afterEach(() => void vi.useRealTimers());

it("asks a source that fails four times more, with growing pauses, within the time that the frame waits", async () => {
  const askedAt: number[] = [];
  const start = Date.now();
  requested(() => {
    askedAt.push(Date.now() - start);
    throw new Error("The back end does not answer.");
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(askedAt).toEqual([0, 500, 1500, 3500, 7500]);
  expect(onError).toHaveBeenCalledTimes(5);
  expect(onToken).not.toHaveBeenCalled();
});

it("hands over the token of the first attempt that works", async () => {
  const source = vi.fn().mockRejectedValueOnce(new Error()).mockRejectedValueOnce(new Error()).mockResolvedValue("hers");
  requested(source);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(source).toHaveBeenCalledTimes(3);
  expect(onToken.mock.calls).toEqual([["hers"]]);
});

it("starts with new attempts at each request", async () => {
  const source = vi.fn().mockRejectedValue(new Error());
  const token = requested(source);
  await vi.advanceTimersByTimeAsync(60_000);
  token.request();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(source).toHaveBeenCalledTimes(10);
});

it("hands over nothing after it was stopped, neither a late answer nor that of another attempt", async () => {
  const late = requested(() => new Promise((resolve) => setTimeout(() => resolve("late"), 1_000)));
  await vi.advanceTimersByTimeAsync(500);
  late.stop();
  const failing = vi.fn().mockRejectedValue(new Error());
  const retrying = requested(failing);
  await vi.advanceTimersByTimeAsync(100);
  retrying.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onToken).not.toHaveBeenCalled();
  expect(failing).toHaveBeenCalledOnce();
});

it("hands over only the token of the newest source", async () => {
  const token = requested(() => new Promise((resolve) => setTimeout(() => resolve("hers"), 1_000)));
  token.source = "his";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onToken.mock.calls).toEqual([["his"]]);
});

it.each([[null], [""]])("says that nobody is signed in when the source returns %j", async (nothing) => {
  requested(() => nothing);
  await vi.advanceTimersByTimeAsync(0);
  expect(onToken.mock.calls).toEqual([[null]]);
});
