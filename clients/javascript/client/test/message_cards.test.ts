import { describe, expect, it } from "vitest";
import type { Core } from "../src/core.ts";
import { withCounts, withDecision } from "../src/messages/message_cards.ts";
import { Pins } from "../src/messages/pins.ts";
import { Threads } from "../src/messages/threads.ts";
import type { CardDecided } from "../src/server/payloads.ts";
import { GrowingMessages } from "../src/streams/growing_messages.ts";
import { card } from "./card_server.ts";
import { message } from "./samples.ts";

const IDS = { messageId: "m1", conversationId: "c" };
const DECIDED: CardDecided = {
  ...IDS,
  content: "Lunch? Pizza",
  state: "decided",
  outcome: "decided",
  actionId: "pizza",
};
const asking = message(1, { content: "Lunch?", card: card(), pinned: true });
const quoting = message(2, {
  threadId: "m1",
  replyTo: { id: "m1", senderId: "bob", content: "Lunch?" } as NonNullable<ReturnType<typeof message>["replyTo"]>,
});

describe("a message", () => {
  it("has newer counts, which are older than an end", () => {
    const counted = withCounts(asking, { ...IDS, counts: { pizza: 1 } });
    expect(counted.card?.counts).toEqual({ pizza: 1 });
    const ended = withDecision(asking, { ...DECIDED, counts: { pizza: 2 } });
    expect(withCounts(ended, { ...IDS, counts: { pizza: 1 } })).toBe(ended);
    expect(withCounts(message(1), { ...IDS, counts: {} })).toEqual(message(1));
  });

  it("has the decision and the text that follows from it", () => {
    const decided = withDecision(asking, DECIDED);
    expect(decided).toMatchObject({
      content: "Lunch? Pizza",
      card: { state: "decided", actionId: "pizza", title: "Lunch?" },
    });
    expect(decided.card).not.toHaveProperty("content");
    expect(decided.card).not.toHaveProperty("messageId");
  });

  it("keeps its text until an event brings another one", () => {
    const { content: _, ...acknowledged } = DECIDED;
    expect(withDecision(asking, acknowledged)).toMatchObject({ content: "Lunch?", card: { state: "decided" } });
    // Only the ids are left of an event about a message that was deleted.
    expect(withDecision(asking, IDS)).toEqual(asking);
  });

  it("that was deleted gets no card", () => {
    expect(withDecision(message(1), DECIDED)).toEqual(message(1));
  });
});

/** A core whose events a test sends. */
function eventsOf(answer: object) {
  const handlers = new Map<string, ((event: object) => void)[]>();
  const core = {
    on: (name: string, handler: (event: object) => void) =>
      handlers.set(name, [...(handlers.get(name) ?? []), handler]),
    growing: new GrowingMessages(),
    now: { me: { id: "alice" } },
    rest: { get: async () => answer },
  } as unknown as Core;
  const emit = (name: string, event: object): void => {
    for (const handler of handlers.get(name) ?? []) handler(event);
  };
  return { core, emit };
}

it("a thread shows the decision at its root and in quotes, also while it is being loaded", async () => {
  const { core, emit } = eventsOf({ root: asking, items: [quoting], next: null, following: false });
  const threads = new Threads(core);
  const loading = threads.open("m1");
  emit("card:updated", { ...IDS, counts: { pizza: 1 } });
  await loading;
  expect(threads.state.getState().thread?.root?.card?.counts).toEqual({ pizza: 1 });
  const { content: _, ...acknowledged } = DECIDED;
  emit("card:decided", acknowledged);
  expect(threads.state.getState().thread?.replies[0]?.replyTo?.content).toBe("Lunch?");
  emit("card:decided", DECIDED);
  const { thread } = threads.state.getState();
  expect(thread?.root).toMatchObject({ content: "Lunch? Pizza", card: { state: "decided" } });
  expect(thread?.replies[0]?.replyTo?.content).toBe("Lunch? Pizza");
});

it("a pinned message shows the decision, and another one stays as it is", async () => {
  const other = message(3, { card: card() });
  const { core, emit } = eventsOf({ items: [asking, other] });
  const pins = new Pins(core);
  await pins.load("c");
  emit("card:updated", { ...IDS, counts: { pizza: 1 } });
  emit("card:decided", DECIDED);
  const [decided, same] = pins.state.getState().c ?? [];
  expect(decided).toMatchObject({ content: "Lunch? Pizza", card: { state: "decided", counts: { pizza: 1 } } });
  expect(same).toBe(other);
});
