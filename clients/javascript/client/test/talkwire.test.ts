import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MessagePart } from "../src/messages/message_parts.ts";
import { MemoryStorage } from "../src/storage/stores.ts";
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

  answer = json(200, { id: "alice", name: "Alice", createdAt: "", kind: "person" });
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

it("sends a request with a token before it is connected", async () => {
  const sent: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_: string, { headers }: RequestInit) => {
    sent.push(new Headers(headers).get("authorization"));
    return Response.json({ publicKey: "k" });
  });
  const chat = new Talkwire({ url: "http://localhost", token: async () => "hers" });
  expect(await chat.request("GET", "push/key")).toEqual({ publicKey: "k" });
  expect(sent).toEqual(["Bearer hers"]);
});

describe("a message that was written before the server was reached", () => {
  const tokenOf = (sub: string) => `.${btoa(JSON.stringify({ sub }))}.`;
  const known = (id: string) => json(200, { id, name: id, createdAt: "2026-01-01T00:00:00Z" });
  let storage: MemoryStorage;
  beforeEach(() => {
    storage = new MemoryStorage();
    answer = json(503, null);
  });

  /** Returns the client of another page on the same storage, and what waits in it. */
  async function page(token: string): Promise<{ chat: Talkwire; pending: () => string[]; write(text: string): void }> {
    const chat = new Talkwire({ url: "http://localhost", token, storage });
    const room = chat.conversation("plans");
    chat.connect().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    const write = (text: string) => void room.send(text).catch(() => undefined);
    return { chat, pending: () => room.pending.map(({ content }) => content), write };
  }

  it("outlives a reload, and is of the user that the server names", async () => {
    const before = await page(tokenOf("42"));
    before.write("first");
    before.write("second");
    await vi.advanceTimersByTimeAsync(0);
    expect(before.pending()).toEqual(["first", "second"]);
    before.chat.close();

    answer = known("alice");
    const after = await page(tokenOf("42"));
    expect(after.pending()).toEqual(["first", "second"]);
    after.chat.close();
    expect((await page("no JSON Web Token")).pending()).toEqual(["first", "second"]);
  });

  it("keeps its parts over a reload, and shows the text that follows from them", async () => {
    const parts: MessagePart[] = [
      { type: "data", name: "chart", value: [1] },
      { type: "text", text: "first" },
    ];
    const before = await page(tokenOf("42"));
    const room = before.chat.conversation("plans");
    room.send("", { parts, clientMessageId: "m1" }).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(room.pending).toMatchObject([{ content: "first", parts }]);
    before.chat.close();

    answer = known("alice");
    const after = (await page(tokenOf("42"))).chat.conversation("plans");
    expect(after.pending).toMatchObject([{ content: "first", parts }]);
  });

  it("is shown to no other user, not even to one whose id is the token's subject", async () => {
    const before = await page(tokenOf("42"));
    before.write("hers");
    await vi.advanceTimersByTimeAsync(0);
    before.chat.close();

    answer = known("42");
    expect((await page("no JSON Web Token")).pending()).toEqual([]);
    expect((await page(tokenOf("43"))).pending()).toEqual([]);
  });

  it("waits in memory behind one with a file, which needs the user's id", async () => {
    const { chat, write } = await page(tokenOf("42"));
    const send = chat.conversation("plans").send("picture", { files: [new File(["x"], "x.png")] });
    send.catch(() => undefined);
    write("text");
    await vi.advanceTimersByTimeAsync(0);
    expect(await storage.keys("entry:")).toEqual([]);
    chat.close();
  });

  it("waits in memory without a subject, and what is written later stays behind it", async () => {
    const opaque = await page("no JSON Web Token");
    opaque.write("one");
    opaque.write("two");
    await vi.advanceTimersByTimeAsync(0);
    expect(await storage.keys("entry:")).toEqual([]);

    answer = known("alice");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(opaque.pending()).toEqual(["one", "two"]);
  });
});
