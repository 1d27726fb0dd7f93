import type { Message } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { MemoryStorage, storesIn, Uploads } from "@talkwire/client/parts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { conversation, ME, messages } from "../../clients/javascript/client/test/samples";
import { PageMessages } from "../src/chat/messages/page_messages";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";
import { memoryStorage } from "./memory_storage";
import { eventually } from "./waiting";

beforeEach(() => void vi.stubGlobal("localStorage", memoryStorage()));
afterEach(() => void vi.unstubAllGlobals());

/** A page with an open conversation that is read to its end. */
const open = (lastSeq: number) => {
  const nothing = { getItem: () => null } as unknown as Storage;
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const none = () => undefined;
  const listener = { opened: none, lost: none, unreachable: none, ended: none };
  const core = new PageCore(api, { id: ME, name: "me", createdAt: "", kind: "person" }, listener);
  core.state.setState({
    openId: "c",
    caughtUp: true,
    watched: true,
    conversations: { c: conversation("c", { lastSeq, readSeq: lastSeq }) },
    timelines: { c: { messages: messages(1, lastSeq), atStart: true, atEnd: true } },
  });
  const stores = storesIn(new MemoryStorage());
  const call = vi.spyOn(core, "call");
  return { core, call, messages: new PageMessages(core, new Uploads(core, stores.uploads), stores.outbox) };
};

it("an open conversation that was marked as unread stays unread until the reader ends that", async () => {
  const { core, call, messages } = open(3);
  call.mockResolvedValueOnce({ success: true, seq: 1, unreadCount: 2, mentionCount: 1 } as never);
  const marked = messages.markUnread("c", "m2");
  expect(core.isWatched("c")).toBe(false);
  await marked;
  expect(call).toHaveBeenCalledExactlyOnceWith("conversation:mark-unread", { conversationId: "c", messageId: "m2" });
  expect(core.now).toMatchObject({ keptUnread: "c", unread: { after: 1, count: 2 } });
  expect(core.now.conversations.c).toMatchObject({ readSeq: 1, unreadCount: 2, mentionCount: 1 });
  messages.clearKeptUnread();
  expect(core.now.keptUnread).toBeNull();
});

describe("a connection that is lost while the reader is at the end", () => {
  it("brings unread messages until all that was missed has come", () => {
    const { core } = open(3);
    const arrive = (seq: number) => core.handleMissed("message:new", messages(seq, seq)[0] as never);
    core.state.setState({ caughtUp: false });
    arrive(4);
    arrive(5);
    expect(core.now.unread).toEqual({ after: 3, count: 2 });
    expect(core.now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 2 });
    core.state.setState({ caughtUp: true });
    expect(core.isWatched("c")).toBe(true);
  });

  it("moves the line to what was missed where all is loaded again", () => {
    const { core, call, messages: page } = open(3);
    call.mockReturnValue(new Promise(() => undefined) as never);
    core.state.setState({
      unread: { after: 1, count: 2, isAnswered: true },
      conversations: { c: conversation("c", { lastSeq: 403, readSeq: 3, unreadCount: 400 }) },
    });
    page.loaded();
    expect(core.now.unread).toEqual({ after: 3, count: 400 });
  });
});

it("a refusal leaves the conversation as it was, and is shown", async () => {
  const { core, call, messages } = open(3);
  call.mockRejectedValueOnce(new RequestError({ code: "forbidden", message: "No." }));
  await messages.markUnread("c");
  expect(core.now).toMatchObject({ keptUnread: null, unread: null, notice: "No." });
  expect(core.now.conversations.c).toMatchObject({ readSeq: 3 });
});

it("looks through all pages for unread replies in threads", async () => {
  const { core, call, messages: page } = open(3);
  core.state.setState({ conversations: { c: conversation("c", { lastSeq: 153, readSeq: 3 }) } });
  const replies = messages(1, 153).map((each) => (each.seq > 3 ? { ...each, threadId: "m1" } : each));
  call.mockImplementation(((_: string, { before, limit }: { before?: string; limit: number }) => {
    const end = before === undefined ? replies.length : replies.findIndex(({ id }) => id === before);
    const start = Math.max(0, end - limit);
    return Promise.resolve({ messages: replies.slice(start, end), hasMore: start > 0 });
  }) as never);
  const found = await page.repliesAfter("c", 3);
  expect([found.length, found[0]?.seq, found.at(-1)?.seq]).toEqual([150, 4, 153]);
  expect(call).toHaveBeenCalledTimes(2);
});

it.each(["before", "after"])("counts a reply once that arrives %s the page that its root is in", async (when) => {
  const { core, call, messages: page } = open(3);
  const [root, , , reply] = messages(1, 4) as [Message, Message, Message, Message];
  const { createdAt: lastReplyAt, sender } = reply;
  const counted = { ...root, replyCount: 1, thread: { replyCount: 1, lastReplyAt, participants: [sender] } };
  let answer: (page: never) => void = () => undefined;
  call.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)) as never);
  const loaded = page.reload("c");
  const arrive = () => core.handleMissed("message:new", { ...reply, threadId: root.id });
  const read = when === "before" ? root : counted;
  if (when === "before") arrive();
  answer({ messages: [read, ...messages(2, 3)], hasMore: false } as never);
  await loaded;
  if (when === "after") arrive();
  const [shown] = core.now.timelines.c?.messages ?? [];
  expect(shown).toMatchObject({ replyCount: 1, thread: counted.thread });
});

describe("a reply that another tab has sent", () => {
  beforeEach(() => void vi.stubGlobal("sessionStorage", memoryStorage()));

  const replying = (draft: string) => {
    vi.stubGlobal("addEventListener", () => undefined);
    const page = open(3);
    const message = page.core.now.timelines.c?.messages[1] as Message;
    page.messages.compose({ kind: "reply", message });
    page.messages.drafts.save("c", draft);
    const sent = (replyTo: string) => {
      const [own] = messages(4, 4);
      const more = { senderId: ME, content: "My answer", replyTo: { id: replyTo } };
      page.core.handleMissed("message:new", { ...own, ...more } as never);
    };
    return { ...page, sent };
  };

  it("is over here too, where the draft is the same", () => {
    const { core, messages, sent } = replying("My answer");
    sent("m2");
    expect(core.now.composing).toBeNull();
    expect(messages.drafts.openComposing("c")).toBeNull();
  });

  it("goes on where another text was written, and where another message was replied to", () => {
    const other = replying("Another answer");
    other.sent("m2");
    expect(other.core.now.composing).not.toBeNull();
    const elsewhere = replying("");
    elsewhere.sent("m1");
    expect(elsewhere.core.now.composing).not.toBeNull();
  });
});

describe("a message that is deleted while it is edited", () => {
  beforeEach(() => {
    const storage = memoryStorage();
    vi.stubGlobal("localStorage", storage);
    vi.stubGlobal("sessionStorage", storage);
    vi.stubGlobal("addEventListener", () => undefined);
  });
  afterEach(() => void vi.unstubAllGlobals());

  const edit = (text?: string) => {
    const page = open(3);
    const message = page.core.now.timelines.c?.messages[1] as Message;
    page.messages.drafts.save("c", "A draft");
    page.messages.compose({ kind: "edit", message }, text);
    return { ...page, message };
  };
  const deleted = { conversationId: "c", messageId: "m2", deletedAt: "2026-01-01T00:00:00Z", deletedBy: "bob" };

  it("is not edited any more, and the changed text becomes a draft", () => {
    const { core, messages } = edit("Changed");
    core.handleMissed("message:deleted", deleted as never);
    expect(core.now).toMatchObject({
      composing: null,
      notice: "The message was deleted. Your changed text is in the message field.",
    });
    expect(messages.drafts.current("c")).toBe("A draft\nChanged");
    expect(messages.drafts.openComposing("c")).toBeNull();
  });

  it("leaves nothing of an unchanged text", () => {
    const { core, messages } = edit();
    core.handleMissed("message:deleted", deleted as never);
    expect(core.now).toMatchObject({ composing: null, notice: "The message was deleted." });
    expect(messages.drafts.current("c")).toBe("A draft");
  });

  it("is noticed when the messages are loaded again", () => {
    const { core, messages } = edit("Changed");
    const { messages: shown = [] } = core.now.timelines.c ?? {};
    const reloaded = shown.map((each) => (each.id === "m2" ? { ...each, deletedAt: deleted.deletedAt } : each));
    core.state.setState({ timelines: { c: { messages: reloaded, atStart: true, atEnd: true } } });
    expect(core.now.composing).toBeNull();
    expect(messages.drafts.current("c")).toBe("A draft\nChanged");
  });

  it("is noticed when the page has missed it", async () => {
    const { core, call, messages, message } = edit("Changed");
    messages.compose(null);
    const problem = { path: "messageId", message: "this message was deleted" };
    call.mockRejectedValue(new RequestError({ code: "invalid_request", message: "messageId: …", details: [problem] }));
    const get = vi.spyOn(core.api, "get").mockResolvedValue(message);
    await messages.started();
    core.state.setState({ connected: true });
    messages.connected();
    messages.edit(message, "Changed");
    await eventually(() => expect([...messages.changes.getState().values()].flat()[0]?.problem).not.toBeNull());
    expect(messages.drafts.current("c")).toBe("A draft");
    get.mockResolvedValue({ ...message, deletedAt: deleted.deletedAt });
    messages.edit(message, "Changed again");
    await eventually(() => expect(messages.drafts.current("c")).toBe("A draft\nChanged again"));
    expect(messages.changes.getState().size).toBe(0);
    expect(core.now.notice).toBe("The message was deleted. Your changed text is in the message field.");
  });

  it("is named with its conversation where another one is open", async () => {
    const { core, call, messages, message } = edit("Changed");
    messages.compose(null);
    call.mockRejectedValue(new RequestError({ code: "invalid_request", message: "messageId: …" }));
    const get = vi.spyOn(core.api, "get").mockResolvedValue({ ...message, deletedAt: deleted.deletedAt });
    await messages.started();
    core.state.setState({ connected: true, openId: "other" });
    messages.connected();
    messages.edit(message, "Changed");
    await eventually(() => expect(core.now.toast).not.toBeNull());
    expect(core.now.toast).toMatchObject({
      text: "The message you edited in c was deleted. Your changed text is in the message field there.",
      leadsTo: { conversationId: "c", messageId: undefined },
    });
    expect(core.now.notice).toBe("");
    get.mockResolvedValue({ ...message, threadId: "m1", deletedAt: deleted.deletedAt });
    core.state.setState({ openId: "c" });
    messages.edit(message, "Changed");
    await eventually(() => expect(core.now.toast?.leadsTo).toEqual({ conversationId: "c", messageId: "m2" }));
    expect(messages.drafts.current("c m1")).toBe("Changed");
  });

  it("is not confused with another one", () => {
    const { core } = edit("Changed");
    core.handleMissed("message:deleted", { ...deleted, messageId: "m1" } as never);
    expect(core.now.composing).not.toBeNull();
  });
});

describe("a message that is edited while it waits to be sent", () => {
  beforeEach(() => {
    vi.stubGlobal("sessionStorage", memoryStorage());
    vi.stubGlobal("addEventListener", () => undefined);
  });

  /** A page without a connection, with messages that wait; the reader edits one of them. */
  const edit = async (content: string) => {
    const page = open(3);
    page.messages.started();
    await page.messages.restored;
    for (const each of ["first", "second", "third"]) await page.messages.send({ conversationId: "c", content: each });
    const waiting = () => page.messages.outbox.getState();
    const id = waiting().find((entry) => entry.content === content)?.clientMessageId ?? "";
    page.messages.drafts.save("c", "A draft");
    page.messages.editUnsent(id);
    const edited = page.core.now.composing?.message as Message;
    const sent = (text = content) => ({ ...messages(4, 4)[0], senderId: ME, content: text, clientMessageId: id });
    const save = (text: string) => page.messages.edit(page.core.now.composing?.message ?? edited, text);
    return { ...page, id, sent, save, contents: () => waiting().map((entry) => entry.content) };
  };

  it("keeps its place, and leaves the draft alone", async () => {
    const { core, messages, save, contents } = await edit("second");
    expect(core.now.composing).toMatchObject({ kind: "edit", message: { content: "second" } });
    expect(contents()).toEqual(["first", "second", "third"]);
    save("changed");
    await eventually(() => expect(contents()).toEqual(["first", "changed", "third"]));
    expect(messages.drafts.current("c")).toBe("A draft");
  });

  it("is edited as any other where it was sent meanwhile", async () => {
    const { core, messages, save, sent } = await edit("second");
    messages.compose(core.now.composing, "chan");
    core.handleMissed("message:new", sent() as never);
    expect(core.now.composing?.message.id).toBe("m4");
    expect(messages.drafts.editOf(core.now.composing?.message as Message)).toBe("chan");
    save("changed");
    await eventually(() =>
      expect(messages.changes.getState().get("m4")).toMatchObject([{ change: { kind: "edit", content: "changed" } }]),
    );
  });

  it("is edited afterwards where it was on its way", async () => {
    const { core, call, messages, save, sent } = await edit("first");
    let answer: (reply: unknown) => void = () => undefined;
    call.mockImplementation(
      () =>
        new Promise<never>((resolve) => {
          answer = resolve as typeof answer;
        }),
    );
    // The reader is in another conversation.
    core.state.setState({ composing: null });
    messages.connected();
    save("changed");
    await eventually(() => expect(messages.outbox.getState()[0]?.content).toBe("changed"));
    answer({ success: true, message: sent() });
    await eventually(() => expect(call).toHaveBeenCalledWith("message:edit", { messageId: "m4", content: "changed" }));
    expect(core.now.timelines.c?.messages.at(-1)?.id).toBe("m4");
  });

  it("is found by its former text where it was sent although no answer came", async () => {
    const { call, messages, save, sent, contents } = await edit("first");
    save("changed");
    messages.compose(null);
    await eventually(() => expect(contents()[0]).toBe("changed"));
    call.mockImplementation(async (name, payload) => {
      const { content, messageId } = payload as { content?: string; messageId?: string };
      if (name === "message:send" && content === "changed")
        throw new RequestError({ code: "conflict", message: "No." });
      if (name === "message:send" && content === "first") return { message: sent() } as never;
      if (messageId === "m4") return { message: sent(content) } as never;
      return new Promise<never>(() => undefined);
    });
    messages.connected();
    await eventually(() => expect(call).toHaveBeenCalledWith("message:edit", { messageId: "m4", content: "changed" }));
  });

  it("is not sent before the edit is saved or left", async () => {
    const { call, messages, save } = await edit("first");
    const contents: unknown[] = [];
    call.mockImplementation((_, payload) => {
      contents.push((payload as { content?: string }).content);
      return new Promise<never>(() => undefined);
    });
    messages.connected();
    expect(contents).toEqual([]);
    save("changed");
    messages.compose(null);
    await eventually(() => expect(contents).toEqual(["changed"]));
  });

  it("becomes a draft where it is cancelled", async () => {
    const { core, messages, id } = await edit("second");
    messages.compose(core.now.composing, "changed");
    messages.cancel(id);
    expect(core.now.composing).toBeNull();
    expect(messages.drafts.current("c")).toBe("A draft\nchanged");
  });
});
