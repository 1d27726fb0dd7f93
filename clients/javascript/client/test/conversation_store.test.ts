import { expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { ConversationStore } from "../src/conversations/conversation_store.ts";
import { newestFirst, withMessage } from "../src/conversations/conversations_by_id.ts";
import type { ClientState, Core } from "../src/core.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { conversation, ME, message } from "./samples.ts";
import { eventually } from "./waiting.ts";

it("keeps what arrived while an older answer was on its way", async () => {
  const state = createStore(() => ({ conversations: { c: conversation("c", { lastSeq: 1, readSeq: 1 }) } }));
  let resolve: (answer: Conversation) => void = () => undefined;
  const promise = new Promise<Conversation>((answer) => {
    resolve = answer;
  });
  const core = { state, on: () => undefined, rest: { get: () => promise } } as unknown as Core;
  const loaded = new ConversationStore(core).load("c");
  const { conversations } = state.getState() as unknown as ClientState;
  state.setState({ conversations: withMessage(conversations, message(2), ME) as never });
  resolve(conversation("c", { lastSeq: 1, readSeq: 1, unreadCount: 0, members: [] }));
  await loaded;
  expect(state.getState().conversations.c).toMatchObject({ lastSeq: 2, unreadCount: 1, members: [] });
});

it("does not count what was read while an older answer was on its way", async () => {
  const state = createStore(() => ({ conversations: { c: conversation("c", { lastSeq: 3, readSeq: 3 }) } }));
  const answer = conversation("c", { lastSeq: 3, readSeq: 1, unreadCount: 2, members: [] });
  const core = { state, on: () => undefined, rest: { get: async () => answer } } as unknown as Core;
  await new ConversationStore(core).load("c");
  expect(state.getState().conversations.c).toMatchObject({ readSeq: 3, unreadCount: 0 });
});

it("asks whether its reader may write when their role changes", async () => {
  const muted = conversation("c", { members: [], mutedByModerator: {} });
  const state = createStore(() => ({ conversations: { c: muted }, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: () => undefined,
    rest: {
      get: async (path: string) => {
        asked.push(path);
        return conversation("c", { members: [], ownerId: ME });
      },
    },
  } as unknown as Core;
  new ConversationStore(core);
  handlers.get("member:updated")?.({ conversationId: "c", userId: "somebody else", role: "admin" });
  expect(asked).toEqual([]);
  handlers.get("member:updated")?.({ conversationId: "c", userId: ME, role: "owner" });
  await eventually(() => expect(state.getState().conversations.c).not.toHaveProperty("mutedByModerator"));
});

it("counts members in their own right, and asks who is there through a team", async () => {
  const known = conversation("c", { members: [], memberCount: 2 });
  const state = createStore(() => ({ conversations: { c: known }, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: (id: string, change: (before: Conversation) => Conversation) => {
      if (id === "c") state.setState({ conversations: { c: change(state.getState().conversations.c) } });
    },
    rest: {
      get: async (path: string) => {
        asked.push(path);
        return conversation("c", { members: [], memberCount: 3 });
      },
    },
  } as unknown as Core;
  new ConversationStore(core);
  handlers.get("member:added")?.({ conversationId: "far", members: [{ userId: ME, via: ["support"] }] });
  handlers.get("member:updated")?.({ conversationId: "far", userId: "bob", via: [] });
  const added = [{ userId: "sam", via: ["support"] }, { userId: "bob" }];
  handlers.get("member:added")?.({ conversationId: "c", members: added });
  handlers.get("member:removed")?.({ conversationId: "c", userId: "kim", via: ["support"] });
  expect(state.getState().conversations.c).toMatchObject({ memberCount: 3 });
  await eventually(() => expect(asked).toEqual(["conversations/c"]));
});

it("asks how many offers are unread when somebody makes one in a muted conversation", async () => {
  const conversations = { loud: conversation("loud"), muted: conversation("muted", { muted: true }) };
  const state = createStore(() => ({ conversations, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: () => undefined,
    rest: {
      get: async (path: string) => {
        asked.push(path);
        return conversation("muted", { muted: true, unreadOfferCount: 1 });
      },
    },
  } as unknown as Core;
  new ConversationStore(core);
  handlers.get("offer:new")?.({ id: "1", conversationId: "loud", authorId: "bob" });
  handlers.get("offer:new")?.({ id: "2", conversationId: "muted", authorId: ME });
  expect(asked).toEqual([]);
  handlers.get("offer:new")?.({ id: "3", conversationId: "muted", authorId: "bob" });
  await eventually(() => expect(state.getState().conversations.muted).toHaveProperty("unreadOfferCount", 1));
});

it("shows the newest change of preferences, not the answer to an earlier one", async () => {
  const state = createStore(() => ({ conversations: { c: conversation("c") } }));
  const answers: ((preferences: object) => void)[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: () => undefined,
    changeConversation: (id: "c", change: (before: Conversation) => Conversation) =>
      state.setState({ conversations: { c: change(state.getState().conversations[id]) } }),
    rest: { patch: () => new Promise((answer) => answers.push(answer)) },
  } as unknown as Core;
  const store = new ConversationStore(core);
  const first = store.prefer("c", { muted: true });
  const second = store.prefer("c", { favourite: true });
  answers[1]?.({ muted: true, favourite: true, archived: false });
  await second;
  answers[0]?.({ muted: true, favourite: false, archived: false });
  await first;
  expect(state.getState().conversations.c).toMatchObject({ muted: true, favourite: true, archived: false });
});

it("loads each page once for all who ask for it, and all pages for whoever wants them", async () => {
  const asked: string[] = [];
  const state = createStore(() => ({ conversations: {}, nextConversations: "1" }) as unknown as ClientState);
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: () => undefined,
    rest: {
      get: async (path: string) => {
        asked.push(path.split("cursor=")[1] ?? "");
        return { items: [conversation(`c${asked.length}`)], next: asked.length < 3 ? String(asked.length + 1) : null };
      },
    },
  } as unknown as Core;
  const store = new ConversationStore(core);
  const first = store.loadMore();
  await Promise.all([first, store.loadAll(async () => undefined), store.loadAll(async () => undefined)]);
  expect(asked).toEqual(["1", "2", "3"]);
  expect(Object.keys(state.getState().conversations).sort()).toEqual(["c1", "c2", "c3"]);
});

it("finds neither the reader nor users who were erased or stand for the back end", async () => {
  const items = [{ id: ME }, { id: "bob" }, { id: "gone", erased: true }, { id: "shop", backend: true }];
  const core = { now: { me: { id: ME } }, on: () => undefined, rest: { get: async () => ({ items }) } };
  const found = await new ConversationStore(core as unknown as Core).findUsers("");
  expect(found.map(({ id }) => id)).toEqual(["bob"]);
});

it("loads a conversation that is listed, and keeps one that is no longer out of lists", async () => {
  const state = createStore(() => ({ conversations: {} as Record<string, Conversation>, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: (id: string, change: (before: Conversation) => Conversation) =>
      state.setState(({ conversations }) => {
        const before = conversations[id];
        return before === undefined ? {} : { conversations: { ...conversations, [id]: change(before) } };
      }),
    rest: { get: async () => answer },
  } as unknown as Core;
  let answer = conversation("c");
  new ConversationStore(core);
  handlers.get("conversation:listed")?.({ conversationId: "c", listed: true, userIds: [ME] });
  await eventually(() => expect(newestFirst(state.getState().conversations)).toHaveLength(1));
  answer = conversation("c", { listed: false });
  handlers.get("conversation:listed")?.({ conversationId: "c", listed: false, userIds: [ME] });
  await eventually(() => expect(newestFirst(state.getState().conversations)).toEqual([]));
  expect(state.getState().conversations).toHaveProperty("c");
});

const KNOWN = conversation("c", {
  lastSeq: 4,
  readSeq: 4,
  members: [
    { userId: ME, role: "admin", name: ME, kind: "person" },
    { userId: "bob", role: "member", name: "bob", kind: "person" },
  ] as NonNullable<Conversation["members"]>,
});
const MUTE = { conversationId: "c", kind: "mute" };

it.each<[string, object, object, "again" | "once"]>([
  ["conversation:updated", { ...KNOWN, name: "new" }, { name: "new" }, "once"],
  ["conversation:handling", { conversationId: "c", handler: "bob", state: "open" }, { handler: "bob" }, "once"],
  ["conversation:preferences", { conversationId: "c", muted: true }, { muted: true }, "once"],
  [
    "member:updated",
    { conversationId: "c", userId: "bob", role: "admin" },
    { members: [{}, { role: "admin" }] },
    "once",
  ],
  [
    "member:updated",
    { conversationId: "c", userId: ME, role: "member" },
    { members: [{ role: "member" }, {}] },
    "again",
  ],
  ["member:restricted", { ...MUTE, reason: "loud" }, { mutedByModerator: { reason: "loud" } }, "once"],
  ["member:removed", { conversationId: "c", userId: "bob" }, { members: [{ userId: ME }], memberCount: 1 }, "again"],
  ["member:added", { conversationId: "c", members: [{ userId: "kim" }] }, {}, "again"],
  ["notification", { conversationId: "c", type: "offer" }, {}, "again"],
  ["call:recorded", { conversationId: "c" }, {}, "again"],
  ["conversation:unread", { conversationId: "c", readSeq: 1, unreadCount: 3, mentionCount: 0 }, {}, "again"],
  ["message:read:receipt", { conversationId: "c", userId: "bob", seq: 3 }, { members: [{}, { readSeq: 3 }] }, "once"],
])("%s is not undone by an older answer that arrives after it: %o", async (name, event, shown, times) => {
  vi.useFakeTimers();
  const state = createStore(() => ({ conversations: { c: KNOWN } as Record<string, Conversation>, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const answers: ((answer: Conversation) => void)[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    isWatched: () => false,
    on: (event: string, handler: (payload: unknown) => void) => handlers.set(event, handler),
    changeConversation: (id: string, change: (before: Conversation) => Conversation) =>
      state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: change(KNOWN) } })),
    rest: { get: () => new Promise((resolve) => answers.push(resolve)) },
  } as unknown as Core;
  const loaded = new ConversationStore(core).load("c");
  handlers.get(name)?.(event);
  await vi.advanceTimersByTimeAsync(1_000);
  answers[0]?.(KNOWN);
  await loaded;
  expect(state.getState().conversations.c).toMatchObject(shown);
  // What an event counts, or does not say, is known to an answer to a later request.
  const before = answers.length;
  await vi.advanceTimersByTimeAsync(1_000);
  vi.useRealTimers();
  expect(answers.length > before ? "again" : "once").toBe(times);
});

it("keeps who handles a conversation, and that its reader left, while an older answer is on its way", async () => {
  const state = createStore(() => ({
    conversations: {} as Record<string, Conversation>,
    timelines: {},
    me: { id: ME },
  }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const answers = new Map<string, (answer: Conversation) => void>();
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: () => undefined,
    rest: { get: (path: string) => new Promise((resolve) => answers.set(path, resolve)) },
  } as unknown as Core;
  const store = new ConversationStore(core);
  const loaded = Promise.all([store.load("kept"), store.load("left")]);
  handlers.get("conversation:handling")?.({ conversationId: "kept", handler: "bob", state: "open" });
  handlers.get("desk:conversation")?.({ conversationId: "kept", waitingSince: "2026", notesId: "n", teamIds: [] });
  handlers.get("member:removed")?.({ conversationId: "left", userId: ME, via: ["support"] });
  for (const id of ["kept", "left"])
    answers.get(`conversations/${id}`)?.(conversation(id, { handler: null, state: "closed", waitingSince: null }));
  await loaded;
  const { conversations } = state.getState();
  expect(Object.keys(conversations)).toEqual(["kept"]);
  expect(conversations.kept).toMatchObject({ handler: "bob", state: "open", waitingSince: "2026", notesId: "n" });
});

it("loads a conversation again whose teams have changed, since only answers have their names", async () => {
  const known = conversation("c", { teamIds: ["support"], teams: [{ teamId: "support", name: "Support" }] });
  const state = createStore(() => ({ conversations: { c: known } as Record<string, Conversation>, me: { id: ME } }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    changeConversation: () => undefined,
    rest: {
      get: async (path: string) => {
        asked.push(path);
        return conversation("c");
      },
    },
  } as unknown as Core;
  vi.useFakeTimers();
  new ConversationStore(core);
  handlers.get("conversation:updated")?.(conversation("c", { teamIds: ["support"] }));
  handlers.get("desk:conversation")?.({ conversationId: "c", waitingSince: null, notesId: null, teamIds: ["support"] });
  handlers.get("conversation:updated")?.(conversation("unknown", { teamIds: ["support"] }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asked, Object.keys(state.getState().conversations)]).toEqual([[], ["c"]]);
  handlers.get("conversation:updated")?.(conversation("c"));
  await vi.advanceTimersByTimeAsync(1_000);
  vi.useRealTimers();
  expect(state.getState().conversations.c).not.toHaveProperty("teams");
  expect(asked).toEqual(["conversations/c"]);
});
