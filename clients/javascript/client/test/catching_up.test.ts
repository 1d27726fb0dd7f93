import { describe, expect, it, vi } from "vitest";
import { includes, missedEvents } from "../src/catching_up.ts";
import { Client } from "../src/client.ts";
import { Core } from "../src/core.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import { RequestError } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";
import { conversation, ME, message } from "./samples.ts";

const nothing = () => undefined;
const call = vi.fn();
let receive: ConnectionListener["received"];
vi.mock("../src/server/connection.ts", () => ({
  Connection: class {
    readonly call = call;
    constructor(_rest: Rest, _userId: () => string, listener: ConnectionListener) {
      receive = listener.received;
    }
  },
}));

const me = { id: ME, name: ME, createdAt: "", kind: "person" as const };
const sent = (seq: number, conversationId = "c") => ({
  pos: seq,
  event: "message:new",
  data: { ...message(seq), conversationId },
});

describe("missed events", () => {
  const known = { me, conversations: { c: conversation("c") }, nextConversations: "next" };

  it("are read page by page", async () => {
    const asked: (string | null | undefined)[] = [];
    const sync = async ({ after }: { after?: string | null }) => {
      asked.push(after);
      const isLast = asked.length === 2;
      return { success: true, events: [sent(asked.length)], cursor: `log-${asked.length}`, more: !isLast };
    };
    const missed = await missedEvents(sync, "log-0", known);
    expect(asked).toEqual(["log-0", "log-1"]);
    expect(missed).toMatchObject({ cursor: "log-2", events: [{ pos: 1 }, { pos: 2 }] });
  });

  it.each(["cursor_expired", "cursor_epoch", "forbidden"])("are not read after the refusal %s", async (code) => {
    const sync = () => Promise.reject(new RequestError({ code, message: "" }));
    expect(await missedEvents(sync, "log-0", known)).toBeNull();
  });

  it("are read again after a transient failure", async () => {
    const sync = () => Promise.reject(new RequestError({ code: "unavailable", message: "" }));
    await expect(missedEvents(sync, "log-0", known)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("are not read when a reload costs less", async () => {
    const endless = vi.fn(async () => ({ success: true, events: [sent(1)], cursor: "log-1", more: true }));
    expect(await missedEvents(endless, "log-0", known)).toBeNull();
    expect(endless).toHaveBeenCalledTimes(3);

    const among = (count: number) => async () => ({
      success: true,
      events: Array.from({ length: count }, (_, index) => sent(index + 1, `new-${index}`)),
      cursor: "log-99",
      more: false,
    });
    expect(await missedEvents(among(11), "log-0", known)).toBeNull();
    expect(await missedEvents(among(10), "log-0", known)).not.toBeNull();
  });

  it("name the conversations whose unread counts they may have changed", async () => {
    const receipt = (userId: string, conversationId: string) => ({
      pos: 1,
      event: "message:read:receipt",
      data: { conversationId, userId, messageId: "m1", seq: 1 },
    });
    const deleted = { pos: 2, event: "message:deleted", data: { conversationId: "e", messageId: "m1" } };
    const events = [receipt(ME, "c"), receipt("bob", "d"), deleted];
    const missed = await missedEvents(async () => ({ success: true, events, cursor: "log-2" }), "log-0", known);
    expect(missed?.uncounted).toEqual(new Set(["c", "e"]));
  });

  it("count again after an edit that may have changed whom a message mentions", async () => {
    const edited = (conversationId: string, more: object = {}) => ({
      pos: 1,
      event: "message:updated",
      data: { ...message(1), conversationId, ...more },
    });
    const mentioned = {
      ...known,
      conversations: { ...known.conversations, d: { ...conversation("d"), mentionCount: 1 } },
    };
    const events = [edited("c"), edited("d"), edited("e", { mentions: [ME] }), edited("f", { mentionsAll: true })];
    const missed = await missedEvents(async () => ({ success: true, events, cursor: "log-2" }), "log-0", mentioned);
    expect(missed?.uncounted).toEqual(new Set(["d", "e", "f"]));
  });
});

it.each([
  ["log-5", "log-5", true],
  ["log-5", "log-10", false],
  ["log-10", "log-5.64", true],
  ["log-10", "other-5", false],
  ["log-10", "", false],
  ["log-10", undefined, false],
  [null, "log-5", false],
])("what ends at %s includes an event at %s: %s", (cursor, offset, expected) => {
  expect(includes(cursor, offset)).toBe(expected);
});

describe("a client", () => {
  /** A client whose server replies with what `answer` returns; events arrive through `receive`. */
  function clientWith(answer: (name: string, payload: object & { after?: string }) => unknown) {
    const rest = {
      base: "http://localhost/",
      get: async () => ({ items: [], next: null }),
      renewAddressToken: async () => undefined,
    } as unknown as Rest;
    const listener = { opened: nothing, lost: nothing, unreachable: nothing, ended: nothing };
    call.mockReset().mockImplementation(async (name, payload) => answer(name, payload));
    const core = new Core(rest, me, listener);
    return { client: new Client(core, storesIn(new MemoryStorage())), core };
  }

  const state = { conversations: [conversation("c", { lastSeq: 1 })], presence: [], cursor: "log-1" };
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it("confirms the arrival of the unread messages that it loads", async () => {
    const unread = (id: string, more: object = {}) => conversation(id, { lastSeq: 1, unreadCount: 1, ...more });
    const conversations = [unread("a"), unread("large", { memberCount: 101 }), conversation("read"), unread("b")];
    const { client } = clientWith((name, { after }) => {
      if (name !== "sync") return {};
      return after === undefined ? { ...state, conversations } : { events: [sent(2, "read")], cursor: "log-2" };
    });
    const confirmed = () =>
      call.mock.calls.filter(([name]) => name === "message:delivered").map(([, { conversationId }]) => conversationId);
    client.opened(false);
    receive("connected", {}, "log-1");
    await vi.waitUntil(() => confirmed().length === 2);
    expect(confirmed().sort()).toEqual(["a", "b"]);
    client.lost();
    client.opened(false);
    await vi.waitUntil(() => confirmed().includes("read"));
    expect(confirmed()).not.toContain("large");
  });

  it("handles missed events once, also those that arrive meanwhile", async () => {
    const { client, core } = clientWith((_, { after }) =>
      after === undefined ? state : { events: [sent(2), sent(3)], cursor: "log-3", more: false },
    );
    const numbers: number[] = [];
    core.on("message:new", ({ seq }) => numbers.push(seq));
    client.opened(false);
    receive("connected", {}, "log-1");
    await settled();
    client.lost();

    client.opened(false);
    receive("connected", {}, "log-2");
    receive("message:new", message(3), "log-3");
    receive("message:new", message(4), "log-4");
    await settled();
    expect(numbers).toEqual([2, 3, 4]);
    expect(core.now.conversations.c).toMatchObject({ lastSeq: 4, unreadCount: 3 });
    expect(core.now.connected).toBe(true);
  });

  it("asks for events after the last one that it has handled", async () => {
    const { client } = clientWith((_, { after }) =>
      after === undefined ? state : { events: [], cursor: "log-9", more: false },
    );
    client.opened(false);
    receive("connected", {}, "log-1");
    await settled();
    receive("message:new", message(2), "log-7");
    client.lost();
    client.opened(false);
    await settled();
    expect(call).toHaveBeenCalledWith("sync", { after: "log-7", limit: 100, presence: true });
  });

  it("reloads when the server gives events no position", async () => {
    const { client } = clientWith(() => state);
    client.opened(false);
    receive("connected", {}, undefined);
    await settled();
    client.lost();
    client.opened(false);
    await settled();
    expect(call.mock.calls.filter(([, payload]) => "after" in payload)).toEqual([]);
  });

  it("does not skip what it missed when catching up was interrupted", async () => {
    let fails = false;
    const { client, core } = clientWith((_, { after }) => {
      if (after === undefined) return state;
      if (fails) throw new RequestError({ code: "unreachable", message: "" });
      return { events: [sent(2), sent(3)], cursor: "log-3", more: false };
    });
    client.opened(false);
    receive("connected", {}, "log-1");
    await settled();
    client.lost();
    fails = true;
    client.opened(false);
    receive("message:new", message(3), "log-3");
    await settled();
    client.lost();
    await settled();
    fails = false;
    // Socket.IO repeats events after the one at log-3 only.
    client.opened(true);
    await settled();
    expect(call.mock.calls.findLast(([name]) => name === "sync")).toEqual([
      "sync",
      { after: "log-1", limit: 100, presence: true },
    ]);
    expect(core.now.conversations.c).toMatchObject({ lastSeq: 3, unreadCount: 2 });
  });

  it("has caught up once the server has repeated everything, however long that takes", async () => {
    vi.useFakeTimers();
    try {
      const replies: { resolve(reply: object): void; reject(error: Error): void }[] = [];
      const { client, core } = clientWith((name) =>
        name === "presence:get" ? new Promise((resolve, reject) => replies.push({ resolve, reject })) : state,
      );
      const caughtUp = () => [core.now.connected, core.now.caughtUp];
      expect(caughtUp()).toEqual([false, false]);
      client.opened(false);
      receive("connected", {}, "log-1");
      await vi.advanceTimersByTimeAsync(0);
      expect(caughtUp()).toEqual([true, true]);
      client.lost();
      expect(caughtUp()).toEqual([false, false]);
      client.opened(true);
      receive("message:new", message(2), "log-2");
      expect(caughtUp()).toEqual([true, false]);
      replies[0]?.reject(new RequestError({ code: "unreachable", message: "" }));
      await vi.advanceTimersByTimeAsync(2_000);
      receive("message:new", message(3), "log-3");
      expect(caughtUp()).toEqual([true, false]);
      replies[1]?.resolve({ presence: [] });
      await vi.advanceTimersByTimeAsync(0);
      expect(caughtUp()).toEqual([true, true]);
      client.lost();
      client.opened(true);
      client.lost();
      replies[2]?.resolve({ presence: [] });
      await vi.advanceTimersByTimeAsync(0);
      expect(caughtUp()).toEqual([false, false]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("has caught up together with the last event that it asked for", async () => {
    const { client, core } = clientWith((_, { after }) =>
      after === undefined ? state : { events: [sent(2)], cursor: "log-2", more: false },
    );
    client.opened(false);
    receive("connected", {}, "log-1");
    await settled();
    client.lost();
    const seen: boolean[] = [];
    core.on("message:new", () => seen.push(core.now.caughtUp));
    client.opened(false);
    await settled();
    expect([...seen, core.now.caughtUp]).toEqual([false, true]);
  });

  it("tries again while the connection stays open", async () => {
    vi.useFakeTimers();
    try {
      let failures = 2;
      const { client, core } = clientWith(() => {
        if (failures-- > 0) throw new RequestError({ code: "unavailable", message: "" });
        return state;
      });
      client.opened(false);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(core.now.connected).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it("loads the unread counts that a recovered connection does not repeat", async () => {
    let end: (reply: unknown) => void = () => undefined;
    const { client } = clientWith((name) => {
      return name === "presence:get"
        ? new Promise((resolve) => {
            end = resolve;
          })
        : { ...state, conversations: [conversation("c", { lastSeq: 3, unreadCount: 3 })] };
    });
    const load = vi.spyOn(client.conversations, "load").mockResolvedValue();
    client.opened(false);
    receive("connected", {}, "log-1");
    await settled();
    client.lost();
    client.opened(true);
    receive("message:read:receipt", { conversationId: "c", userId: ME, messageId: "m1", seq: 1 }, "log-2");
    expect(load).not.toHaveBeenCalled();
    end({ presence: [] });
    await settled();
    expect(load).toHaveBeenCalledExactlyOnceWith("c");
    receive("message:read:receipt", { conversationId: "c", userId: ME, messageId: "m2", seq: 2 }, "log-3");
    await settled();
    expect(load).toHaveBeenCalledOnce();
  });
});
