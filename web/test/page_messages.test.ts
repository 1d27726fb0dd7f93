import { RequestError } from "@talkwire/client";
import { MemoryStorage, storesIn, Uploads } from "@talkwire/client/parts";
import { expect, it, vi } from "vitest";
import { conversation, ME, messages } from "../../clients/javascript/client/test/samples";
import { PageMessages } from "../src/chat/messages/page_messages";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";

/** A page with an open conversation that is read to its end. */
const open = (lastSeq: number) => {
  const nothing = { getItem: () => null } as unknown as Storage;
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const none = () => undefined;
  const listener = { opened: none, lost: none, unreachable: none, ended: none };
  const core = new PageCore(api, { id: ME, name: "me", createdAt: "" }, listener);
  core.state.setState({
    openId: "c",
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

it("a refusal leaves the conversation as it was, and is shown", async () => {
  const { core, call, messages } = open(3);
  call.mockRejectedValueOnce(new RequestError({ code: "forbidden", message: "No." }));
  await messages.markUnread("c");
  expect(core.now).toMatchObject({ keptUnread: null, unread: null, notice: "No." });
  expect(core.now.conversations.c).toMatchObject({ readSeq: 3 });
});
