import { describe, expect, it, vi } from "vitest";
import type { Core } from "../src/core.ts";
import { Threads } from "../src/messages/threads.ts";
import { GrowingMessages } from "../src/streams/growing_messages.ts";
import { ME, message, messages } from "./samples.ts";

const growing = new GrowingMessages();

const settled = () => new Promise((resolve) => setTimeout(resolve));

it("waits for older replies that are being loaded already", async () => {
  const asked: { path: string; answer: (page: object) => void }[] = [];
  const get = (path: string) => new Promise<object>((answer) => asked.push({ path, answer }));
  const answer = async (index: number, first: number, last: number, next: string | null) => {
    const items = messages(first, last).map((reply) => ({ ...reply, threadId: "m1" }));
    asked[index]?.answer({ root: message(1), items, next });
    await settled();
  };
  const threads = new Threads({ on: () => undefined, growing, rest: { get } } as unknown as Core);
  void threads.open("m1");
  await answer(0, 8, 9, "m8");
  void threads.loadOlder();
  // A loop that does not wait would run forever and block everything else.
  const calls = vi.spyOn(threads, "loadOlder").mockImplementation(() => {
    if (calls.mock.calls.length > 20) throw new Error("asked again and again");
    return Threads.prototype.loadOlder.call(threads);
  });
  const wanted = threads.open("m1", "m2");
  await answer(2, 8, 9, "m8");
  await answer(1, 5, 7, "m5");
  await answer(3, 2, 4, null);
  await wanted;
  expect(asked.map(({ path }) => path.split("limit=50")[1])).toEqual(["", "&before=m8", "", "&before=m5"]);
  expect(threads.state.getState().thread?.replies.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});

it("changes a page by what happened while it was on its way", async () => {
  const handlers = new Map<string, (event: object) => void>();
  const answers: ((page: object) => void)[] = [];
  const threads = new Threads({
    on: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
    growing,
    rest: { get: () => new Promise<object>((answer) => answers.push(answer)) },
  } as unknown as Core);
  const opened = threads.open("m1");
  handlers.get("message:updated")?.(message(1, { content: "edited" }));
  handlers.get("message:deleted")?.({ messageId: "m2", deletedAt: "2026-01-05T13:00:00.000Z" });
  handlers.get("thread:marked")?.({ messageId: "m1", following: true });
  answers[0]?.({ root: message(1), items: [message(2, { threadId: "m1" })], next: null, following: false });
  await opened;
  const { thread } = threads.state.getState();
  expect(thread?.root?.content).toBe("edited");
  expect(thread?.replies[0]).toHaveProperty("deletedAt");
  expect(thread?.following).toBe(true);
});

describe("a reply that nobody has seen", () => {
  const open = async (unread: object = {}) => {
    const handlers = new Map<string, (event: object) => void>();
    const page = { root: message(1), items: [message(2, { threadId: "m1" })], next: null, following: true, ...unread };
    const threads = new Threads({
      on: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
      now: { me: { id: ME } },
      growing,
      rest: { get: async () => page },
      call: async () => ({}),
    } as unknown as Core);
    await threads.open("m1");
    const arrive = (seq: number, more: object = {}) =>
      handlers.get("message:new")?.(message(seq, { threadId: "m1", ...more }));
    return { threads, arrive, unreadAfter: () => threads.state.getState().thread?.unreadAfter };
  };

  it("is unread, and so is all that comes after it", async () => {
    const { threads, arrive, unreadAfter } = await open();
    threads.isWatched = true;
    arrive(3);
    expect(unreadAfter()).toBeNull();
    threads.isWatched = false;
    arrive(4);
    arrive(5);
    expect(unreadAfter()).toBe(3);
  });

  it("moves the line where all above it was read, and only there", async () => {
    const { threads, arrive, unreadAfter } = await open({ readSeq: 1, unreadCount: 1 });
    arrive(3);
    expect(unreadAfter()).toBe(1);
    await threads.markRead();
    arrive(4);
    expect(unreadAfter()).toBe(3);
    // A repeated one is known.
    await threads.markRead();
    arrive(4);
    expect(unreadAfter()).toBe(3);
  });

  it("is not one's own, and not one of another thread", async () => {
    const { arrive, unreadAfter } = await open();
    arrive(3, { senderId: ME });
    arrive(4, { threadId: "m9" });
    expect(unreadAfter()).toBeNull();
  });
});
