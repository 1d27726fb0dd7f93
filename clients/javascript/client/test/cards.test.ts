import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cardsOf } from "../src/cards/index.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import { unreachable } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { busy, CardServer, card, connection, PIZZA, refused } from "./card_server.ts";
import { ME, message } from "./samples.ts";

vi.mock("../src/server/connection.ts", () => ({
  Connection: class {
    readonly call = (...given: unknown[]) => connection.call(...given);
    readonly close = () => undefined;
    constructor(_rest: Rest, _userId: () => string, listener: ConnectionListener) {
      connection.receive = listener.received;
    }
  },
}));

const LIST = "cards?open=mine";
const ofC = (messageId: string) => ({ messageId, conversationId: "c" });
/** Lets what is gathered be loaded. */
const gathered = () => vi.advanceTimersByTimeAsync(300);

let server: CardServer;
beforeEach(async () => {
  vi.useFakeTimers();
  connection.call.mockReset();
  server = new CardServer();
  await server.connect();
});
afterEach(() => vi.useRealTimers());

/** Holds answers back until the returned function is called. */
function holding(): () => void {
  let release: () => void = () => undefined;
  server.gate = new Promise((resolve) => {
    release = () => resolve();
  });
  return release;
}

const missed = (event: string, data: object) => {
  server.isRecovered = false;
  const answer = connection.call.getMockImplementation();
  connection.call.mockImplementation(async (name, payload) =>
    name === "sync" ? { success: true, cursor: "log-2", events: [{ event, data }] } : answer?.(name, payload),
  );
};

it("the same chat has one object", () => {
  expect(cardsOf(server.chat)).toBe(cardsOf(server.chat));
  expect(cardsOf(server.chat)).not.toBe(cardsOf(new CardServer().chat));
});

describe("a card", () => {
  it("is unknown until it is loaded, once for all who ask, and null if it could not be", async () => {
    server.add("m1", { mine: { actionIds: ["pizza"], at: "2026" } });
    expect(server.shown.known("m1")).toBeUndefined();
    await Promise.all([server.shown.load("m1"), server.shown.load("m1"), server.shown.load("gone")]);
    expect(server.shown.known("m1")?.mine?.actionIds).toEqual(["pizza"]);
    expect(server.shown.known("gone")).toBeNull();
    expect(server.taken()).toEqual(["messages/m1/card", "messages/gone/card"]);
  });

  it("stays as it was if it cannot be loaded again", async () => {
    server.add("m1");
    await server.shown.load("m1");
    server.faults.push(busy(0));
    await server.shown.load("m1");
    expect(server.shown.known("m1")?.state).toBe("open");
  });

  it("follows its events, and is the same object while nothing happens to it", async () => {
    server.add("m1", { decide: "poll" });
    server.add("m2");
    await Promise.all([server.shown.load("m1"), server.shown.load("m2")]);
    const other = server.shown.known("m2");
    const changes = vi.fn();
    const stop = server.shown.on("change", changes);
    server.emit("card:updated", { ...ofC("m1"), counts: { pizza: 2 } });
    expect(server.shown.known("m1")?.counts).toEqual({ pizza: 2 });
    server.decide("m1", { state: "closed", outcome: "closed", content: "Lunch? Pizza" });
    expect(server.shown.known("m1")).toMatchObject({ state: "closed", outcome: "closed" });
    expect(server.shown.known("m1")).not.toHaveProperty("content");
    expect(changes).toHaveBeenCalledTimes(2);
    stop();
    server.emit("card:updated", { ...ofC("m2"), counts: { pizza: 1 } });
    expect(changes).toHaveBeenCalledTimes(2);
    expect(other?.counts).toEqual({ pizza: 0, soup: 0 });
  });

  it("ignores counts that come after its end", async () => {
    server.add("m1");
    await server.shown.load("m1");
    server.decide("m1", { counts: { pizza: 3 } });
    const ended = server.shown.known("m1");
    const changed = vi.fn();
    server.shown.on("change", changed);
    server.emit("card:updated", { ...ofC("m1"), counts: { pizza: 2 } });
    expect(server.shown.known("m1")).toBe(ended);
    expect(changed).not.toHaveBeenCalled();
  });

  it("has what happened while its answer was on its way", async () => {
    server.add("m1");
    const release = holding();
    const loading = server.shown.load("m1");
    server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: ["pizza"] });
    server.decide("m1");
    release();
    await loading;
    expect(server.shown.known("m1")).toMatchObject({ state: "decided", mine: { actionIds: ["pizza"] } });
  });

  it("shows a choice of another device of the reader, and of nobody else", async () => {
    server.add("m1", { decide: "poll" });
    await server.shown.load("m1");
    server.emit("card:acted", { ...ofC("m1"), userId: "bob", actionIds: ["soup"] });
    expect(server.shown.known("m1")?.mine).toBeUndefined();
    server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: ["pizza"] });
    const chosen = server.shown.known("m1");
    expect(chosen?.mine?.actionIds).toEqual(["pizza"]);
    // Its own choice comes as an event, too, which does not know the comment.
    server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: ["pizza"] });
    expect(server.shown.known("m1")).toBe(chosen);
    server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: [] });
    expect(server.shown.known("m1")).not.toHaveProperty("mine");
  });

  it("of a deleted message is forgotten, also while it is on its way", async () => {
    server.add("m1");
    await server.shown.load("m1");
    const release = holding();
    const loading = server.shown.load("m1");
    server.emit("message:deleted", { ...ofC("m1"), deletedAt: "2026" });
    release();
    await loading;
    expect(server.shown.known("m1")).toBeUndefined();
  });
});

describe("after a reconnect", () => {
  it("a card that could not be loaded is loaded again", async () => {
    server.add("m1");
    server.faults.push(unreachable());
    await server.shown.load("m1");
    expect(server.shown.known("m1")).toBeNull();
    await server.reconnect();
    expect(server.shown.known("m1")?.state).toBe("open");
  });

  it("the counts of open cards are loaded, which no event says, and nothing that events do say", async () => {
    server.add("poll", { decide: "poll" });
    server.messages.push(message(1, { id: "poll", card: card({ decide: "poll" }) }));
    const room = server.chat.conversation("c");
    server.add("approval", { decide: { pizza: 2 } });
    server.add("first");
    server.add("ended", { decide: "poll", state: "closed" });
    for (const id of server.cards.keys()) await server.shown.load(id);
    server.taken();
    server.client.lost();
    server.change("poll", { counts: { pizza: 5 } });
    const before = server.shown.known("poll");
    const release = holding();
    await server.connect();
    expect(server.shown.known("poll")).toBe(before);
    release();
    await vi.waitUntil(() => server.asked.length === 2);
    expect(server.shown.known("poll")?.counts).toEqual({ pizza: 5 });
    expect(room.messages[0]?.card?.counts).toEqual({ pizza: 5 });
    expect(server.taken()).toEqual(["messages/poll/card", "messages/approval/card"]);
  });

  it("that has replaced everything, all open cards are loaded again", async () => {
    server.add("first");
    server.add("ended", { state: "decided" });
    for (const id of server.cards.keys()) await server.shown.load(id);
    server.taken();
    server.client.lost();
    server.change("first", { state: "expired", outcome: "expired" });
    server.isRecovered = false;
    // The server refuses the cursor.
    const answer = connection.call.getMockImplementation();
    connection.call.mockImplementation(async (name, payload: { after?: string }) => {
      if (name === "sync" && payload.after !== undefined) throw refused("invalid_request");
      return answer?.(name, payload);
    });
    await server.connect();
    await vi.waitUntil(() => server.shown.known("first")?.state === "expired");
    expect(server.taken()).toEqual(["messages/first/card"]);
  });

  it("an answer that was asked for before does not count, and is asked for again", async () => {
    server.add("m1");
    const release = holding();
    const loading = server.shown.load("m1");
    server.client.lost();
    server.gate = Promise.resolve();
    server.change("m1", { state: "expired", outcome: "expired" });
    await server.connect();
    await vi.waitUntil(() => server.shown.known("m1")?.state === "expired");
    release();
    await loading;
    expect(server.shown.known("m1")?.state).toBe("expired");
    expect(server.taken()).toEqual(["messages/m1/card", "messages/m1/card"]);
  });
});

it("a room shows counts, the decision, and the text that follows from it, also in a reply's quote", async () => {
  const asking = message(1, { id: "m1", content: "Lunch?", card: card() });
  server.messages.push(asking, message(2, { replyTo: { id: "m1", senderId: "bob", content: "Lunch?" } }));
  const room = server.chat.conversation("c");
  await vi.waitUntil(() => room.messages.length === 2);
  const [, reply] = room.messages;
  server.emit("card:updated", { ...ofC("m1"), counts: { pizza: 2 } });
  expect(room.messages[0]?.card?.counts).toEqual({ pizza: 2 });
  expect(room.messages[1]).toBe(reply);
  server.add("m1");
  server.decide("m1", { content: "Lunch? Pizza" });
  expect(room.messages[0]).toMatchObject({ content: "Lunch? Pizza", card: { state: "decided", counts: { pizza: 2 } } });
  expect(room.messages[1]?.replyTo?.content).toBe("Lunch? Pizza");
});

describe("what the reader does", () => {
  it("is sent, and shown before its event", async () => {
    const { shown } = server;
    for (const id of ["first", "poll", "closed", "cancelled"]) {
      server.add(id, { decide: id === "first" ? "first" : "poll" });
      await shown.load(id);
    }
    const decided = vi.fn();
    server.client.core.on("card:decided", decided);
    expect(await shown.choose("first", ["pizza"], { comment: "Hungry" })).toMatchObject({ state: "decided" });
    expect(connection.call).toHaveBeenLastCalledWith("card:act", {
      messageId: "first",
      actionIds: ["pizza"],
      comment: "Hungry",
    });
    expect(shown.known("first")).toMatchObject({ actionId: "pizza", mine: { actionIds: ["pizza"] } });
    expect(decided).toHaveBeenLastCalledWith(expect.objectContaining({ ...ofC("first"), actionId: "pizza" }));
    await shown.choose("poll", ["soup"]);
    expect(shown.known("poll")).toMatchObject({ state: "open", mine: { actionIds: ["soup"] }, counts: { soup: 1 } });
    await shown.close("closed");
    await shown.cancel("cancelled");
    expect([shown.known("closed")?.state, shown.known("cancelled")?.state]).toEqual(["closed", "cancelled"]);
  });

  it("rejects if the server refuses it, and changes nothing", async () => {
    server.add("m1");
    await server.shown.load("m1");
    const before = server.shown.known("m1");
    server.faults.push(refused("conflict"));
    await expect(server.shown.choose("m1", ["pizza"])).rejects.toMatchObject({ code: "conflict" });
    expect(server.shown.known("m1")).toBe(before);
  });

  it("is newer than an answer that was asked for before", async () => {
    server.add("m1", { decide: "poll" });
    const release = holding();
    const loading = server.shown.load("m1");
    server.gate = Promise.resolve();
    await server.shown.choose("m1", ["pizza"]);
    release();
    await loading;
    expect(server.shown.known("m1")?.mine?.actionIds).toEqual(["pizza"]);
  });

  it("does not open a card again whose end has overtaken the acknowledgement", async () => {
    server.add("m1", { decide: "poll" });
    await server.shown.load("m1");
    const release = holding();
    const choosing = server.shown.choose("m1", ["pizza"]);
    server.decide("m1", { state: "closed", outcome: "closed" });
    release();
    await choosing;
    expect(server.shown.known("m1")).toMatchObject({ state: "closed", mine: { actionIds: ["pizza"] } });
  });

  it("sends a card once, although its event comes before or after the acknowledgement", async () => {
    const room = server.chat.conversation("c");
    await vi.waitUntil(() => room.isLoaded);
    const arrived = vi.fn();
    server.chat.on("message", arrived);
    const sent = await server.shown.send("c", PIZZA, { replyTo: "m0" });
    expect(connection.call).toHaveBeenCalledWith(
      "message:send",
      expect.objectContaining({ card: PIZZA, replyToId: "m0" }),
    );
    expect(room.messages).toEqual([sent]);
    server.emit("message:new", sent);
    expect([room.messages.map(({ id }) => id), room.unreadCount]).toEqual([["new"], 0]);
    expect(arrived).toHaveBeenCalledOnce();
    const next = message(2, { id: "next", senderId: ME, card: card() });
    connection.call.mockImplementationOnce(async () => {
      server.emit("message:new", next);
      return { success: true, message: next };
    });
    await server.shown.send("c", PIZZA);
    expect([room.messages.map(({ id }) => id), room.unreadCount]).toEqual([["new", "next"], 0]);
    expect(arrived).toHaveBeenCalledTimes(2);
  });

  it("fetches a receipt", async () => {
    expect(await server.shown.receipt("m/1")).toBe("receipt of m%2F1");
  });
});

describe("the list of waiting cards", () => {
  const asks = (changes: object = {}, senderId = "bob") =>
    server.emit("message:new", message(7, { id: "m7", senderId, card: card(changes) }));

  beforeEach(async () => {
    server.add("m1");
    server.waiting = ["m1"];
    server.shown.loadWaiting();
    server.shown.loadWaiting();
    await vi.advanceTimersByTimeAsync(0);
  });

  it("is empty until it is wanted, and loaded once", async () => {
    expect(server.taken()).toEqual([LIST]);
    expect(server.shown.waiting).toMatchObject({ items: [{ messageId: "m1" }], count: 1 });
    expect(server.shown.waiting).toBe(server.shown.waiting);
    const other = new CardServer();
    expect(other.shown.waiting).toBe(other.shown.waiting);
    expect(other.shown.waiting).toEqual({ items: [], count: 0 });
    other.shown.loadWaiting();
    await gathered();
    expect(other.taken()).toEqual([]);
    await other.connect();
    await gathered();
    expect(other.taken()).toEqual([LIST]);
  });

  it("is not loaded for those who do not want it", async () => {
    const other = new CardServer();
    expect(other.shown.waiting.count).toBe(0);
    await other.connect();
    asks();
    await gathered();
    expect(other.taken()).toEqual([]);
  });

  it.each<[string, () => void]>([
    ["a new card", () => asks()],
    ["a card that names the reader", () => asks({ who: { users: [ME] } })],
    ["a card that names the reader as an agent", () => asks({ who: { agents: [ME] } })],
    ["a card for a role", () => asks({ who: { roles: ["admin"] } })],
    ["a card of the reader, who may choose", () => asks({ who: { author: true } }, ME)],
    ["the end of a card in it", () => server.decide("m1")],
    [
      "the reader's choice on another device",
      () => server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: ["a"] }),
    ],
    ["a deletion", () => server.emit("message:deleted", { ...ofC("m1"), deletedAt: "2026" })],
    ["a new conversation", () => server.emit("conversation:new", { id: "c" })],
    ["a conversation that is gone", () => server.emit("conversation:deleted", { conversationId: "c" })],
    ["the end of a membership", () => server.emit("member:removed", { conversationId: "c", userId: ME })],
    ["another role", () => server.emit("member:updated", { conversationId: "c", userId: ME, role: "admin" })],
    ["a mute", () => server.emit("member:restricted", { conversationId: "c", kind: "mute" })],
    ["the end of a mute", () => server.emit("member:unrestricted", { conversationId: "c", kind: "mute" })],
  ])("is renewed by %s", async (_, happen) => {
    server.taken();
    server.waiting = [];
    happen();
    await vi.advanceTimersByTimeAsync(299);
    expect(server.taken()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.taken()).toEqual([LIST]);
    expect(server.shown.waiting.count).toBe(0);
  });

  it.each<[string, () => void]>([
    ["a message without a card", () => server.emit("message:new", message(7))],
    ["a poll", () => asks({ decide: "poll" })],
    ["a card that was decided before it came", () => asks({ state: "decided" })],
    ["a card of the reader", () => asks({}, ME)],
    ["a card for others", () => asks({ who: { users: ["carol"] } })],
    ["the end of a card that is not in it", () => server.add("m9") && server.decide("m9")],
    ["somebody's choice", () => server.emit("card:acted", { ...ofC("m1"), userId: "bob", actionIds: ["a"] })],
    ["counts", () => server.emit("card:updated", { ...ofC("m1"), counts: {} })],
    ["another deletion", () => server.emit("message:deleted", { ...ofC("m9"), deletedAt: "2026" })],
    ["another member", () => server.emit("member:updated", { conversationId: "c", userId: "bob", role: "admin" })],
    ["a block", () => server.emit("member:restricted", { conversationId: "c", kind: "ban" })],
  ])("is not renewed by %s", async (_, happen) => {
    const before = server.shown.waiting;
    server.taken();
    happen();
    await gathered();
    expect(server.taken()).toEqual([]);
    expect(server.shown.waiting).toBe(before);
  });

  it("is renewed by the end of a card that may be on a further page", async () => {
    server.count = 70;
    asks();
    await gathered();
    server.taken();
    server.add("m9");
    server.decide("m9");
    await gathered();
    expect(server.taken()).toEqual([LIST]);
  });

  it("is renewed once for all that happens at once, and also while things keep happening", async () => {
    server.taken();
    for (let count = 0; count < 20; count++) asks();
    await gathered();
    expect(server.taken()).toEqual([LIST]);
    for (let count = 0; count < 9; count++) {
      asks();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(server.taken()).toEqual([LIST, LIST, LIST]);
  });

  it("is renewed once by the reader's choice, and not by a choice in a poll", async () => {
    server.taken();
    await server.shown.choose("m1", ["pizza"]);
    server.emit("card:acted", { ...ofC("m1"), userId: ME, actionIds: ["pizza"] });
    server.decide("m1");
    await gathered();
    expect(server.taken()).toEqual(["card:act", LIST]);
    server.add("poll", { decide: "poll" });
    await server.shown.choose("poll", ["pizza"]);
    await gathered();
    expect(server.taken()).toEqual(["card:act"]);
  });

  it("has the newest of two answers", async () => {
    const release = holding();
    asks();
    await gathered();
    server.gate = Promise.resolve();
    server.waiting = [];
    server.decide("m1");
    await gathered();
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.shown.waiting.count).toBe(0);
  });

  it("is loaded again when it could not be loaded", async () => {
    server.taken();
    server.faults.push(busy(5_000), unreachable());
    server.waiting = [];
    asks();
    await gathered();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(server.taken()).toEqual([LIST]);
    expect(server.shown.waiting.count).toBe(1);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(server.taken()).toEqual([LIST, LIST]);
    expect(server.shown.waiting.count).toBe(0);
    server.faults.push(refused());
    asks();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.taken()).toEqual([LIST]);
  });

  it("is renewed after a reconnect only if something has happened", async () => {
    server.taken();
    await server.reconnect();
    await gathered();
    expect(server.taken()).toEqual([]);
    server.client.lost();
    missed("card:decided", { ...ofC("m1"), state: "decided" });
    await server.connect();
    await gathered();
    expect(server.taken()).toEqual([LIST]);
  });

  it("is asked for again if the connection was lost meanwhile", async () => {
    server.taken();
    asks();
    await vi.advanceTimersByTimeAsync(100);
    server.client.lost();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.taken()).toEqual([]);
    const release = holding();
    await server.connect();
    await gathered();
    expect(server.taken()).toEqual([LIST]);
    server.waiting = [];
    server.gate = Promise.resolve();
    await server.reconnect();
    await gathered();
    expect(server.taken()).toEqual([LIST]);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.shown.waiting.count).toBe(0);
  });

  it("leaves no timer when the client is closed", async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    const before = vi.getTimerCount();
    asks();
    expect(vi.getTimerCount()).toBe(before + 1);
    server.client.stop();
    expect(vi.getTimerCount()).toBeLessThanOrEqual(before);
  });
});
