import { expect, it, vi } from "vitest";
import type { Core } from "../src/core.ts";
import { Threads } from "../src/messages/threads.ts";
import { message, messages } from "./samples.ts";

const settled = () => new Promise((resolve) => setTimeout(resolve));

it("waits for older replies that are being loaded already", async () => {
  const asked: { path: string; answer: (page: object) => void }[] = [];
  const get = (path: string) => new Promise<object>((answer) => asked.push({ path, answer }));
  const answer = async (index: number, first: number, last: number, next: string | null) => {
    const items = messages(first, last).map((reply) => ({ ...reply, threadId: "m1" }));
    asked[index]?.answer({ root: message(1), items, next });
    await settled();
  };
  const threads = new Threads({ on: () => undefined, rest: { get } } as unknown as Core);
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
