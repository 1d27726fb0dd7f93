import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Client } from "../src/client.ts";
import { Core } from "../src/core.ts";
import type { MessagePart } from "../src/messages/message_parts.ts";
import { Threads } from "../src/messages/threads.ts";
import { Room } from "../src/room.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { Message, MessageDelta } from "../src/server/payloads.ts";
import type { Rest } from "../src/server/rest.ts";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";
import { withDelta } from "../src/streams/growing_messages.ts";
import { conversation, ME, message, messages } from "./samples.ts";

const connection = {
  call: vi.fn(),
  receive: (() => undefined) as ConnectionListener["received"],
};
vi.mock("../src/server/connection.ts", () => ({
  Connection: class {
    readonly call = (...given: unknown[]) => connection.call(...given);
    constructor(_rest: Rest, _userId: () => string, listener: ConnectionListener) {
      connection.receive = listener.received;
    }
  },
}));

const PLAN = { type: "plan", tasks: [] } as MessagePart & { type: "plan" };
const TEXT: MessagePart = { type: "text", text: "a😀" };
const THOUGHT: MessagePart = { type: "reasoning", text: "Hm" };

it.each<[string, MessagePart[], Partial<MessageDelta>, MessagePart[] | null]>([
  ["a text continues", [TEXT], { at: 3, text: "b" }, [{ type: "text", text: "a😀b" }]],
  ["a text before its end", [TEXT], { at: 2, text: "b" }, null],
  ["a text after a gap", [TEXT], { at: 4, text: "b" }, null],
  ["a text begins", [], { at: 0, text: "b" }, [{ type: "text", text: "b" }]],
  ["a text begins after a gap", [], { at: 1, text: "b" }, null],
  [
    "reasoning begins",
    [TEXT],
    { part: 1, at: 0, text: "b", type: "reasoning" },
    [TEXT, { type: "reasoning", text: "b" }],
  ],
  ["a part is left out", [TEXT], { part: 2, at: 0, text: "b" }, null],
  [
    "a text is replaced",
    [THOUGHT, TEXT],
    { at: 0, text: "b", type: "text", replace: true },
    [{ type: "text", text: "b" }, TEXT],
  ],
  ["a part is set", [TEXT], { part: 1, set: PLAN }, [TEXT, PLAN]],
  ["a part is set anew", [PLAN, TEXT], { set: { ...PLAN, title: "b" } }, [{ ...PLAN, title: "b" }, TEXT]],
  ["a text is added to what is none", [PLAN], { at: 1, text: "b" }, null],
  [
    "later parts are dropped",
    [TEXT, PLAN, THOUGHT],
    { part: 0, at: 0, text: "a", type: "text", replace: true, drop: true },
    [{ type: "text", text: "a" }],
  ],
  ["later parts are dropped after a set one", [PLAN, TEXT], { set: PLAN, drop: true }, [PLAN]],
  ["all parts are dropped", [TEXT, PLAN], { drop: true }, []],
])("%s", (_, parts, delta, after) => {
  const before = structuredClone(parts);
  expect(withDelta(parts, { messageId: "m", conversationId: "c", part: 0, ...delta })).toEqual(after);
  expect(parts).toEqual(before);
});

// --- a conversation ---------------------------------------------------------------------------------------------------

/** What the server has of the conversation. */
let stored: Message[];
let client: Client;
let room: Room;
const changed = vi.fn();
const get = vi.fn();

const streaming = (seq: number, changes: Partial<Message> = {}) =>
  message(seq, { content: "", state: "streaming", ...changes });
const shown = () => room.messages.map(({ content }) => content);
const emit = (name: string, payload: unknown) => connection.receive(name, payload, undefined);
const delta = (seq: number, changes: Partial<MessageDelta>) =>
  emit("message:delta", { messageId: `m${seq}`, conversationId: "c", part: 0, ...changes });
const frame = () => vi.advanceTimersByTimeAsync(20);

beforeEach(async () => {
  vi.useFakeTimers();
  changed.mockReset();
  stored = messages(1, 3);
  get.mockImplementation(async (path: string) => {
    const found = stored.find(({ id }) => path === `messages/${id}`);
    return found ?? { items: [], next: null };
  });
  connection.call.mockImplementation(async (name: string) => {
    if (name === "sync") return { conversations: [conversation("c", { lastSeq: stored.length })], cursor: "log-1" };
    return name === "messages:list" ? { messages: [...stored], hasMore: false } : {};
  });
  const rest = { renewAddressToken: async () => undefined, get } as unknown as Rest;
  client = new Client(
    new Core(rest, { id: ME, name: ME, createdAt: "", kind: "person" }, {} as ConnectionListener),
    storesIn(new MemoryStorage()),
  );
  room = new Room("c", client, Promise.resolve());
});
afterEach(() => vi.useRealTimers());

async function open(): Promise<void> {
  client.opened(false);
  await vi.waitUntil(() => room.isLoaded && client.core.now.connected);
  await frame();
  room.on("change", changed);
  changed.mockReset();
}

it("a message grows in a room once a frame, and the others stay the same objects", async () => {
  await open();
  const before = room.messages;
  emit("message:new", streaming(4));
  delta(4, { at: 0, text: "It ", type: "text", replace: true });
  await frame();
  const [growing] = room.messages.slice(-1);
  expect(growing).toMatchObject({ content: "It ", state: "streaming" });
  changed.mockReset();
  for (let word = 0; word < 100; word++) delta(4, { at: 3 + word, text: "x" });
  delta(4, { part: 1, set: PLAN });
  expect(changed).not.toHaveBeenCalled();
  await frame();
  expect(changed).toHaveBeenCalledOnce();
  const [grown] = room.messages.slice(-1);
  expect(grown).not.toBe(growing);
  expect(grown?.content).toBe(`It ${"x".repeat(100)}`);
  expect(grown?.parts).toEqual([{ type: "text", text: `It ${"x".repeat(100)}` }, PLAN]);
  for (const [index, each] of before.entries()) expect(room.messages[index]).toBe(each);
  emit("message:updated", message(4, { state: "done", content: "It is" }));
  expect(room.messages.map(({ id }) => id)).toEqual(["m1", "m2", "m3", "m4"]);
  expect(shown().at(-1)).toBe("It is");
  delta(4, { at: 5, text: "late" });
  await frame();
  expect(shown().at(-1)).toBe("It is");
});

it("what does not continue the text is ignored until a delta has all of it", async () => {
  await open();
  emit("message:new", streaming(4));
  delta(4, { at: 0, text: "It ", type: "text", replace: true });
  delta(4, { at: 7, text: "lost" });
  delta(4, { at: 3, text: "late" });
  await frame();
  expect(shown().at(-1)).toBe("");
  delta(4, { at: 0, text: "It was ", type: "text", replace: true });
  delta(4, { at: 7, text: "sent" });
  await frame();
  expect(shown().at(-1)).toBe("It was sent");
});

it("a conversation that is opened later has the text of before", async () => {
  client.opened(false);
  const other = new Room("d", client, Promise.resolve());
  await vi.waitUntil(() => other.isLoaded);
  delta(4, { at: 0, text: "It ", type: "text", replace: true });
  delta(4, { at: 3, text: "was" });
  stored.push(streaming(4, { content: "I" }));
  await open();
  expect(shown().at(-1)).toBe("It was");
  delta(4, { at: 6, text: " sent" });
  await frame();
  expect(shown().at(-1)).toBe("It was sent");
});

it("a message of which nothing comes after the load is loaded again, when all of it is stored", async () => {
  stored.push(streaming(4, { content: "It" }));
  await open();
  stored[3] = streaming(4, { content: "It was" });
  await vi.advanceTimersByTimeAsync(1_600);
  expect(shown().at(-1)).toBe("It was");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(get.mock.calls.filter(([path]) => path === "messages/m4")).toHaveLength(1);
});

it.each(["a delta", "the end"])("it is not when %s has come", async (what) => {
  stored.push(streaming(4, { content: "It" }));
  await open();
  if (what === "a delta") delta(4, { at: 0, text: "It was", type: "text", replace: true });
  else emit("message:updated", message(4, { state: "done", content: "It was" }));
  stored[3] = streaming(4, { content: "old" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown().at(-1)).toBe("It was");
});

it.each(["reload", "resume"])("after a %s it continues from a whole part only, and is loaded again", async (how) => {
  if (how === "resume") connection.receive("connected", {}, "log-1");
  await open();
  emit("message:new", streaming(4));
  delta(4, { at: 0, text: "It", type: "text", replace: true });
  await frame();
  client.lost();
  connection.call.mockImplementation(async (name: string) =>
    name === "sync" ? { events: [], cursor: "log-2", presence: [] } : { messages: stored, hasMore: false },
  );
  connection.call.mockClear();
  client.opened(false);
  stored.push(streaming(4, { content: "It was se" }));
  delta(4, { at: 2, text: "!" });
  await vi.advanceTimersByTimeAsync(1_600);
  expect(shown().at(-1)).toBe("It was se");
  const isReloaded = connection.call.mock.calls.some(([name]) => name === "messages:list");
  expect(isReloaded).toBe(how === "reload");
  delta(4, { at: 0, text: "It was sent", type: "text", replace: true });
  await frame();
  expect(shown().at(-1)).toBe("It was sent");
});

it("a reply grows in its thread", async () => {
  await open();
  const threads = new Threads(client.core);
  get.mockImplementation(async () => ({
    root: message(1),
    items: [streaming(2, { threadId: "m1" })],
    next: null,
  }));
  await threads.open("m1");
  delta(2, { at: 0, text: "It", type: "text", replace: true });
  await frame();
  expect(threads.state.getState().thread?.replies.map(({ content }) => content)).toEqual(["It"]);
  await threads.open("m1");
  expect(threads.state.getState().thread?.replies.map(({ content }) => content)).toEqual(["It"]);
});
