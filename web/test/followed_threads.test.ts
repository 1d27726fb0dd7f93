import type { FollowedThread, Message } from "@talkwire/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ME, message } from "../../clients/javascript/client/test/samples";
import { FollowedThreads } from "../src/chat/messages/followed_threads";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 5) + ms).toISOString();

/** A thread with so many replies, one in each millisecond. */
const thread = (replyCount: number): FollowedThread => {
  const root = message(1, { replyCount, thread: { replyCount, lastReplyAt: at(replyCount), participants: [] } });
  return { root, following: true, readSeq: 1, unreadCount: replyCount };
};

const open = () => {
  const nothing = { getItem: () => null } as unknown as Storage;
  const none = () => undefined;
  const listener = { opened: none, lost: none, unreachable: none, ended: none };
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const core = new PageCore(api, { id: ME, name: "me", createdAt: "", kind: "person" }, listener);
  const get = vi.spyOn(core.rest, "get");
  const threads = new FollowedThreads(core);
  const replied = (number: number, ms = number): void =>
    core.handleMissed("message:new", message(number + 1, { threadId: "m1", createdAt: at(ms) }) as Message);
  const counted = () => threads.state.getState().items.map(({ root }) => root.replyCount);
  return {
    threads,
    get,
    replied,
    counted,
    answer: (count: number) => ({ items: [thread(count)], next: null, unread: 1 }),
  };
};

describe("the list of threads", () => {
  it("is loaded again where a reply has arrived while it was on its way", async () => {
    const { threads, get, replied, counted, answer } = open();
    get.mockResolvedValueOnce(answer(1)).mockResolvedValueOnce(answer(1)).mockResolvedValueOnce(answer(3));
    await threads.load();
    const loading = threads.load();
    replied(2);
    replied(3);
    await loading;
    await vi.runAllTimersAsync();
    expect(counted()).toEqual([3]);
    expect(get).toHaveBeenCalledTimes(3);
  });

  it("asks the server whether it has counted a reply of the same millisecond", async () => {
    const { threads, get, replied, counted, answer } = open();
    get.mockResolvedValueOnce(answer(2)).mockResolvedValueOnce(answer(4));
    await threads.load();
    replied(2);
    replied(3);
    replied(4, 3);
    expect(counted()).toEqual([3]);
    await vi.runAllTimersAsync();
    expect(counted()).toEqual([4]);
    expect(get).toHaveBeenCalledTimes(2);
  });
});
