import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestError } from "../src/server/request_error.ts";
import { Talkwire } from "../src/talkwire.ts";

const handlers = new Map<string, (payload: unknown) => void>();
const emitWithAck = vi.fn();
const socket = {
  connected: true,
  recovered: false,
  on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
  onAny: () => undefined,
  off: () => undefined,
  offAny: () => undefined,
  connect: vi.fn(),
  disconnect: () => undefined,
  timeout: () => ({ emitWithAck }),
};
vi.mock("socket.io-client", () => ({ io: () => socket }));

const BASE = "https://chat.example.com/";
const json = (status: number, value: unknown) => () => Response.json(value, { status });
const known = json(200, { id: "alice", name: "Alice", createdAt: "2026-01-01T00:00:00Z" });
const failing = (error: Error) => () => {
  throw error;
};
const caused = (message: string, cause: object) => new TypeError(message, { cause });

let answer: () => Response | Promise<Response>;
let chat: Talkwire;
let errors: RequestError[];
let reasons: (string | undefined)[];
beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  vi.stubGlobal("fetch", async () => answer());
  emitWithAck.mockResolvedValue({ success: true, conversations: [], presence: [], cursor: "c" });
  answer = known;
});
afterEach(() => {
  chat.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(token: () => string | Promise<string> = () => "hers"): void {
  chat = new Talkwire({ url: BASE, token });
  [errors, reasons] = [[], []];
  chat.on("error", (error) => errors.push(error as RequestError));
  chat.on("reason", (reason) => reasons.push(reason?.message));
  chat.connect().catch(() => undefined);
}

const failConnect = (error: object) => handlers.get("connect_error")?.(error);
const online = async () => {
  handlers.get("connect")?.(undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(chat.state).toBe("online");
};

describe("a client that cannot sign in says why", () => {
  it.each<[reason: string, () => Response | Promise<Response>]>([
    [
      "connect ECONNREFUSED 127.0.0.1:9",
      failing(caused("fetch failed", new Error("connect ECONNREFUSED 127.0.0.1:9"))),
    ],
    ["ECONNREFUSED", failing(caused("fetch failed", Object.assign(new AggregateError([]), { code: "ECONNREFUSED" })))],
    ["connect ::1", failing(caused("fetch failed", new AggregateError([new Error("connect ::1")])))],
    ["Network request failed", failing(new TypeError("Network request failed"))],
    ["HTTP status 502", json(502, { message: "Bad gateway" })],
    ["HTTP status 404", () => new Response("<html>", { status: 404 })],
    ["may be wrong", () => new Response("<html>", { status: 200 })],
    ["may be wrong", json(200, { hello: "world" })],
    ["Not for now.", json(503, { error: { code: "unavailable", message: "Not for now." } })],
    ["No such route.", json(404, { error: { code: "not_found", message: "No such route." } })],
    ["not answered yet", () => new Promise<Response>(() => undefined)],
  ])("%s", async (reason, given) => {
    answer = given;
    start();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining(BASE)]);
    expect(errors[0]?.message).toContain(reason);
    expect(chat.reason).toMatchObject({ message: errors[0]?.message });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(errors).toHaveLength(1);

    answer = known;
    chat.reconnectNow();
    await vi.advanceTimersByTimeAsync(1);
    if (reason === "not answered yet") return;
    await online();
    expect(chat.reason).toBeNull();
    expect(reasons.at(-1)).toBeUndefined();
  });
});

describe("a client without a connection says why", () => {
  it.each<[reason: string, error: object]>([
    [
      "Unexpected server response: 403",
      { message: "websocket error", description: { error: new Error("Unexpected server response: 403") } },
    ],
    [
      "Expected HTTP 101",
      { message: "websocket error", description: { message: "Expected HTTP 101 response but was '502'" } },
    ],
    ["HTTP status 400", { message: "xhr poll error", description: 400 }],
    ["xhr poll error", { message: "xhr poll error", description: 0 }],
    ["websocket error", { message: "websocket error", description: { type: "error" } }],
    ["timeout", new Error("timeout")],
    ["Too many.", { message: "Too many.", data: { code: "rate_limited", details: { retryAfterMs: 500 } } }],
  ])("%s", async (reason, error) => {
    start();
    await vi.advanceTimersByTimeAsync(1_000);
    failConnect(error);
    expect(chat.reason?.message).toContain(reason);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    failConnect(error);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining(BASE)]);
    await online();
    expect(chat.reason).toBeNull();
  });

  it("once for each cause, and again after a connection", async () => {
    start();
    await vi.advanceTimersByTimeAsync(3_000);
    const [refused, late] = [{ message: "websocket error", description: { message: "refused" } }, new Error("timeout")];
    for (const error of [refused, refused, late, refused, late]) failConnect(error);
    expect(errors.map(({ details }) => (details as { reason: string }).reason)).toEqual([
      "it has not answered yet",
      "refused",
      "timeout",
    ]);
    await online();
    handlers.get("disconnect")?.("ping timeout");
    expect(chat.reason?.message).toContain("ping timeout");
    failConnect(refused);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(errors).toHaveLength(4);
  });

  it("where the chat cannot be loaded", async () => {
    emitWithAck.mockRejectedValue(new Error("operation has timed out"));
    start();
    await vi.advanceTimersByTimeAsync(0);
    handlers.get("connect")?.(undefined);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(errors[0]?.message).toContain("operation has timed out");
  });

  it("but not after a short interruption, and not after it was told to disconnect", async () => {
    start();
    await vi.advanceTimersByTimeAsync(0);
    await online();
    handlers.get("disconnect")?.("transport close");
    await vi.advanceTimersByTimeAsync(2_000);
    await online();
    await vi.advanceTimersByTimeAsync(10_000);
    chat.disconnect();
    failConnect(new Error("timeout"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([errors, chat.reason]).toEqual([[], null]);
  });
});

describe("the function for tokens", () => {
  it("is named while it does not return", async () => {
    start(() => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(errors).toMatchObject([{ code: "token_unavailable" }]);
  });

  it("that fails is reported as it has thrown, and is the reason", async () => {
    const thrown = new Error("away");
    start(() => Promise.reject(thrown));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(new Set(errors)).toEqual(new Set([thrown]));
    expect(chat.reason).toMatchObject({ code: "token_unavailable", details: thrown });
  });

  it.each(["line\nbreak", "schlüssel", "<html>\n</html>"])(
    "may not return a text that no token is: %j",
    async (text) => {
      start(() => text);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(errors[0]).toBeInstanceOf(TypeError);
      expect(`${errors[0]?.message} ${chat.reason?.message}`).not.toContain(text.slice(0, 5));
    },
  );
});

it("a token with a line break ends the chat with an error that does not repeat it", async () => {
  chat = new Talkwire({ url: BASE, token: "sec\nret" });
  const refused = await chat.connect().catch((error: RequestError) => error);
  expect(refused).toMatchObject({ code: "unauthenticated", message: expect.not.stringContaining("sec") });
  expect(chat.reason).toBe(refused);
});

it("a page says what browsers hide", async () => {
  vi.stubGlobal("location", { origin: "https://shop.example.com" });
  answer = failing(new TypeError("Failed to fetch"));
  start();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(errors[0]?.message).toMatch(/Failed to fetch;.*`origins`.*https:\/\/shop\.example\.com/);
});
