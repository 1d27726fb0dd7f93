import type { Conversation, Message, RequestError as Refusal } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { MemoryStorage, type OutboxEntry, storesIn, Uploads } from "@talkwire/client/parts";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { conversation, ME, member, message } from "../../clients/javascript/client/test/samples";
import type { Chat } from "../src/chat/chat";
import { PageMessages } from "../src/chat/messages/page_messages";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";
import { memoryStorage } from "./memory_storage";
import { eventually } from "./waiting";

type Guards = typeof import("../src/ui/desk/answer_guard");

let guards: Guards;

beforeAll(async () => {
  // The texts choose their language from the document.
  vi.stubGlobal("document", { documentElement: { lang: "en", dir: "ltr" } });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  guards = await import("../src/ui/desk/answer_guard");
});
beforeEach(() => {
  vi.stubGlobal("localStorage", memoryStorage());
  vi.stubGlobal("sessionStorage", memoryStorage());
  vi.stubGlobal("addEventListener", () => undefined);
});
afterEach(() => void vi.unstubAllGlobals());

const TEAMS = [{ id: "support", name: "", memberIds: [ME, "kim"], createdAt: "" }];
const MEMBERS = [
  member("customer"),
  member(ME, { via: ["support"], own: false }),
  member("kim", { via: ["support"], own: false }),
  member("lee", { via: ["sales"], own: false }),
];
const ORDER: Partial<Conversation> = {
  teams: [{ teamId: "support", name: "" }],
  handler: null,
  members: MEMBERS,
  lastSeq: 5,
  readSeq: 4,
};

const of = (seq: number, senderId: string, more: Partial<Message> = {}) => message(seq, { senderId, ...more });
const byAgent = (seq: number) => of(seq, "bot", { generated: { by: "bot" } as never });

/** Returns the details of a refusal because something has come. */
const details = (messages: readonly Message[], handler: string | null = null) => ({
  reason: "changed",
  lastSeq: messages.at(-1)?.seq ?? 5,
  messages,
  handler,
});

describe("the question about a refused message", () => {
  const asked = (messages: readonly Message[], handler: string | null = null, more: Partial<OutboxEntry> = {}) => {
    const entry = { problemDetails: details(messages, handler), ifHandler: null, ...more } as OutboxEntry;
    const found = guards.came(entry, conversation("c", ORDER), ME);
    return found && [found.answer?.content, found.handler];
  };

  it.each<[string, readonly Message[], string | null, Partial<OutboxEntry>, unknown]>([
    ["another message of the customer", [of(6, "customer")], null, {}, null],
    ["an answer of a colleague", [of(6, "kim"), of(7, "customer")], null, {}, ["message 6", undefined]],
    [
      "answers of several, the newest of which counts",
      [of(6, "kim"), of(7, "lee")],
      null,
      {},
      ["message 7", undefined],
    ],
    ["an answer of a colleague from another team", [of(6, "lee")], null, {}, ["message 6", undefined]],
    ["an answer of an agent", [byAgent(6)], null, {}, ["message 6", undefined]],
    ["a message of the reader's own from elsewhere", [of(6, ME)], null, {}, null],
    ["a line about a colleague", [of(6, "kim", { type: "system" })], null, {}, null],
    ["an answer that was deleted", [of(6, "kim", { deletedAt: "2026" })], null, {}, null],
    ["a message of the back end's user", [of(6, "shop")], null, {}, null],
    ["a colleague who handles it now", [], "kim", {}, [undefined, "kim"]],
    ["a colleague in place of another one", [], "lee", { ifHandler: "kim" }, [undefined, "lee"]],
    ["an answer of the colleague who took it", [of(6, "kim")], "kim", {}, ["message 6", "kim"]],
    ["the colleague who handled it before", [of(6, "customer")], "kim", { ifHandler: "kim" }, null],
    ["the reader, who took it", [], ME, {}, null],
    ["nobody who handles it now", [], null, { ifHandler: "kim" }, null],
  ])("follows the rules after %s", (_, messages, handler, more, expected) => {
    expect(asked(messages, handler, more)).toEqual(expected);
  });

  it("is not asked after another refusal", () => {
    const entry = { problemDetails: { retryAfterMs: 5 } } as unknown as OutboxEntry;
    expect(guards.came(entry, conversation("c", ORDER), ME)).toBeNull();
  });
});

describe("the guard of answers", () => {
  const refused = (messages: readonly Message[], handler: string | null = null): Refusal =>
    new RequestError({ code: "conflict", message: "It changed.", details: details(messages, handler) });

  /** A page of a colleague, and what it sends: text, seq and handler. */
  async function page(changes: Partial<Conversation> = {}, state: object = {}) {
    const nothing = { getItem: () => null } as unknown as Storage;
    const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
    const none = () => undefined;
    const listener = { opened: none, lost: none, unreachable: none, ended: none };
    const core = new PageCore(api, { id: ME, name: "me", createdAt: "", kind: "person" }, listener);
    core.state.setState({ conversations: { c: conversation("c", { ...ORDER, ...changes }) }, teams: TEAMS, ...state });
    const stores = storesIn(new MemoryStorage());
    const uploads = new Uploads(core, stores.uploads);
    const messages = new PageMessages(core, uploads, stores.outbox);
    const load = vi.fn(async () => {
      core.changeConversation("c", (before) => ({ ...before, members: MEMBERS }));
    });
    const { drafts } = messages;
    const chat = { messages, uploads, drafts, state: core.state, conversations: { load } } as unknown as Chat;
    const guard = guards.guardOf(chat);
    const stop = guard.start();
    const answers: (Message | Refusal)[] = [];
    const sent: unknown[] = [];
    vi.spyOn(core, "call").mockImplementation((async (name: string, payload: Record<string, unknown>) => {
      if (name !== "message:send") return {};
      sent.push(["content", "ifLastSeq", "ifHandler"].map((each) => payload[each]));
      const answer = answers.shift() ?? of(90 + sent.length, ME, { clientMessageId: String(payload.clientMessageId) });
      if (answer instanceof RequestError) throw answer;
      return { message: answer };
    }) as never);
    messages.started();
    await messages.restored;
    messages.connected();
    const send = (content: string) => messages.send({ conversationId: "c", content });
    const outbox = () => messages.outbox.getState();
    return { core, messages, drafts, uploads, guard, stop, answers, sent, send, outbox, load };
  }

  it("sends with what was seen when the draft was begun, and not when it is sent", async () => {
    const { core, guard, drafts, send, sent } = await page();
    guard.begin("c", undefined, false);
    expect(drafts.begun("c")).not.toBeNull();
    core.changeConversation("c", (before) => ({ ...before, lastSeq: 8, readSeq: 8, handler: "kim" }));
    await send("first");
    await eventually(() => expect(sent).toEqual([["first", 4, null]]));
    guard.end("c", undefined);
    await send("second");
    await eventually(() => expect(sent.at(-1)).toEqual(["second", 8, "kim"]));
  });

  it("counts what is on the screen as seen, also before the server knows it", async () => {
    const { send, sent } = await page({}, { openId: "c", caughtUp: true, watched: true });
    await send("answer");
    await eventually(() => expect(sent).toEqual([["answer", 5, null]]));
  });

  it.each<[string, Partial<Conversation>, object]>([
    ["a conversation without teams", { teams: [], handler: undefined } as never, {}],
    ["the conversation of a team that the reader is not in", { teams: [{ teamId: "sales", name: "" }] }, {}],
    ["notes", { notesOf: "other" }, {}],
    ["a customer's page", {}, { teams: [] }],
  ])("adds nothing in %s", async (_, changes, state) => {
    const { guard, drafts, send, sent } = await page(changes, state);
    guard.begin("c", undefined, false);
    await send("answer");
    await eventually(() => expect(sent).toEqual([["answer", undefined, undefined]]));
    expect(drafts.begun("c")).toBeNull();
  });

  it("keeps what was seen through a reload, and a draft of a thread apart", async () => {
    const { core, guard, drafts } = await page();
    guard.begin("c", undefined, false);
    core.changeConversation("c", (before) => ({ ...before, readSeq: 5 }));
    guard.begin("c", undefined, true);
    guard.begin("c", "m1", false);
    expect([drafts.begun("c"), drafts.begun("c m1")].map((each) => JSON.parse(each ?? "").ifLastSeq)).toEqual([4, 5]);
    guard.begin("c", undefined, false);
    expect(JSON.parse(drafts.begun("c") ?? "").ifLastSeq).toBe(5);
  });

  it("sends again after messages of the customer, before what was written later", async () => {
    const { answers, send, sent, outbox } = await page();
    answers.push(refused([of(5, "customer"), of(6, "customer")]), refused([of(7, "customer")], ME));
    await Promise.all([send("one"), send("two")]);
    await eventually(() => expect(sent).toHaveLength(4));
    expect(sent).toEqual([
      ["one", 4, null],
      ["one", 6, null],
      ["one", 7, ME],
      ["two", 4, null],
    ]);
    await eventually(() => expect(outbox()).toEqual([]));
  });

  it("asks after an answer of a colleague, and again only about what comes after the question", async () => {
    const { answers, guard, send, sent, outbox } = await page();
    answers.push(refused([of(6, "kim")]), refused([of(7, "lee")]));
    await send("mine");
    await eventually(() => expect(outbox()[0]?.problem).toBe("It changed."));
    expect(guard.cameTo(outbox()[0] as OutboxEntry)?.answer?.senderId).toBe("kim");
    guard.sendAnyway(outbox());
    await eventually(() => expect(guard.cameTo(outbox()[0] as OutboxEntry)?.answer?.senderId).toBe("lee"));
    guard.sendAnyway(outbox());
    await eventually(() => expect(outbox()).toEqual([]));
    expect(sent).toEqual([
      ["mine", 4, null],
      ["mine", 6, null],
      ["mine", 7, null],
    ]);
  });

  it("does not ask about a message that was refused because of what the reader has decided about", async () => {
    const { answers, guard, send, sent, outbox } = await page();
    answers.push(refused([of(6, "kim")], "kim"));
    await send("one");
    await eventually(() => expect(outbox()[0]?.problem).toBe("It changed."));
    guard.sendAnyway(outbox());
    answers.push(of(7, ME), refused([of(6, "kim"), of(7, ME)], "kim"));
    await send("two");
    await eventually(() => expect(sent.at(-1)).toEqual(["two", 7, "kim"]));
  });

  it("loads the members to know who is a colleague", async () => {
    const { answers, load, send, sent } = await page({ members: undefined } as never);
    answers.push(refused([of(6, "customer")]));
    await send("mine");
    await eventually(() => expect(sent.at(-1)).toEqual(["mine", 6, null]));
    expect(load).toHaveBeenCalledExactlyOnceWith("c");
  });

  it("keeps messages as a draft, before what was written since, with their files and what they reply to", async () => {
    const { answers, core, messages, drafts, uploads, guard, outbox } = await page({}, { openId: "c" });
    core.state.setState({ timelines: { c: { messages: [of(5, "customer")], atStart: true, atEnd: true } } });
    answers.push(refused([of(6, "kim")]), refused([of(6, "kim")]));
    const [file = ""] = uploads.add("c", [new File(["1"], "cup.txt")]);
    await messages.send({ conversationId: "c", content: "one", replyToId: "m5" });
    await eventually(() => expect(outbox()[0]?.problem).toBe("It changed."));
    await messages.send({ conversationId: "c", content: "two", attachments: [file] });
    drafts.save("c", "three");
    await guard.keepAsDraft(outbox());
    expect(drafts.current("c")).toBe("one\ntwo\nthree");
    expect(outbox()).toEqual([]);
    expect(uploads.state.getState()).toMatchObject([{ id: file, entryId: null, place: "c" }]);
    expect(core.now.composing).toMatchObject({ kind: "reply", message: { id: "m5" } });
    guard.begin("c", undefined, false);
    expect(JSON.parse(drafts.begun("c") ?? "").ifLastSeq).toBe(6);
  });

  it("adds nothing any more once it has ended", async () => {
    const { send, sent, stop } = await page();
    stop();
    await send("answer");
    await eventually(() => expect(sent).toEqual([["answer", undefined, undefined]]));
  });
});
