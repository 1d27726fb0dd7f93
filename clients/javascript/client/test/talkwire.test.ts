import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Talkwire } from "../src/talkwire.ts";

const socket = {
  on: () => undefined,
  onAny: () => undefined,
  off: () => undefined,
  offAny: () => undefined,
  connect: vi.fn(),
  disconnect: () => undefined,
};
vi.mock("socket.io-client", () => ({ io: () => socket }));

let answer: () => Response;
beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  vi.stubGlobal("fetch", async () => answer());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const json = (status: number, value: unknown) => () => Response.json(value, { status });
const started = () => new Talkwire({ url: "http://localhost", token: "hers" });

it.each([
  [502, { message: "Bad gateway" }],
  [429, { error: "Too many requests" }],
  [404, {}],
  [500, { error: { code: 500, message: "Internal" } }],
  [500, { error: { code: "FUNCTION_FAILED", message: "Internal" } }],
  [503, null],
  [200, null],
])("connects when the server is back, after a gateway's %i with %j", async (status, value) => {
  answer = json(status, value);
  const chat = started();
  const states: string[] = [];
  chat.on("state", (state) => states.push(state));
  const connected = vi.fn();
  chat.connect().then(connected, connected);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(states).toEqual(["connecting", "offline"]);

  answer = json(200, { id: "alice", name: "Alice", createdAt: "" });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(chat.me?.id).toBe("alice");
  expect(socket.connect).toHaveBeenCalledOnce();
  expect(connected).not.toHaveBeenCalled();
  chat.close();
});

it.each(["unauthenticated", "forbidden", "banned"])("ends when the server answers %s", async (code) => {
  answer = json(403, { error: { code, message: "No." } });
  const chat = started();
  await expect(chat.connect()).rejects.toMatchObject({ code });
  expect(chat.state).toBe("ended");
});
