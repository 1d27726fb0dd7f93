import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type OutboxEntry } from "../src/outbox/outbox.ts";
import { IndexedDbOutboxStore } from "../src/outbox/outbox_store.ts";
import { eventually, settled } from "./waiting.ts";

type Work = () => unknown;

interface Options {
  readonly signal?: AbortSignal;
}

/** The locks of a browser, which has pages that end. */
class Locks {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #endings = new Map<object, (() => void)[]>();

  /** Returns what a page sees of them. */
  of(page: object) {
    return {
      request: (name: string, ...rest: [Options, Work] | [Work]) =>
        rest.length === 1 ? this.#request(page, name, {}, ...rest) : this.#request(page, name, ...rest),
    };
  }

  /** Ends a page, which holds no lock any more. */
  end(page: object): void {
    for (const release of this.#endings.get(page) ?? []) release();
  }

  async #request(page: object, name: string, { signal }: Options, work: Work): Promise<unknown> {
    const queue = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, queue);
    const isFree = queue.length === 0;
    const turn = new Promise<void>((resolve) => queue.push(resolve));
    if (!isFree) await turn;
    const end = new Promise<void>((resolve) => this.#endings.set(page, [...(this.#endings.get(page) ?? []), resolve]));
    try {
      return signal?.aborted === true ? undefined : await Promise.race([work(), end]);
    } finally {
      queue.shift();
      queue[0]?.();
    }
  }
}

/** A tab of the browser, with an outbox of its own. */
interface Tab {
  readonly outbox: Outbox;
  readonly sent: string[];
  readonly restored: string[];
  shown(): string[];
  close(): void;
}

let locks: Locks;
let name: string;
let databases = 0;
beforeEach(() => {
  locks = new Locks();
  name = `pages-${databases++}`;
});
afterEach(() => vi.unstubAllGlobals());

async function tabOf(userId = "alice"): Promise<Tab> {
  const page = {};
  const sent: string[] = [];
  const restored: string[] = [];
  vi.stubGlobal("navigator", { locks: locks.of(page) });
  const store = new IndexedDbOutboxStore(name);
  const outbox = new Outbox({
    userId,
    store,
    send: async ({ content }) => void sent.push(content),
    onChange: () => undefined,
    restoreFiles: async (left) => void restored.push(...left.flatMap(({ attachments = [] }) => attachments)),
  });
  await outbox.start();
  const close = (): void => {
    outbox.stop();
    locks.end(page);
  };
  const shown = (): string[] => outbox.entries.map(({ content }: OutboxEntry) => content);
  return { outbox, sent, restored, shown, close };
}

describe("what a tab has not sent", () => {
  it("is shown and sent by one of the others when it is gone", async () => {
    const [one, two, three] = [await tabOf(), await tabOf(), await tabOf()];
    await one.outbox.add({ conversationId: "c", content: "first", attachments: ["file"] });
    await two.outbox.add({ conversationId: "c", content: "second" });
    await settled();
    expect([two.shown(), three.shown()]).toEqual([["second"], []]);
    one.close();
    await eventually(() => expect([...two.shown(), ...three.shown()].sort()).toEqual(["first", "second"]));
    expect([...two.restored, ...three.restored]).toEqual(["file"]);
    for (const { outbox } of [two, three]) outbox.setOpen(true);
    await eventually(() => expect([...two.sent, ...three.sent].sort()).toEqual(["first", "second"]));
    await settled();
    expect(two.sent.length + three.sent.length).toBe(2);
  });

  it("goes on from tab to tab, in the order in which it was written", async () => {
    const one = await tabOf();
    for (const content of ["1", "2"]) await one.outbox.add({ conversationId: "c", content });
    const two = await tabOf();
    await two.outbox.add({ conversationId: "c", content: "3" });
    const three = await tabOf();
    one.close();
    two.close();
    await settled();
    await three.outbox.add({ conversationId: "c", content: "4" });
    expect(three.shown()).toEqual(["1", "2", "3", "4"]);
    three.outbox.setOpen(true);
    await eventually(() => expect(three.sent).toEqual(["1", "2", "3", "4"]));
  });

  it("is not sent by the others when it was discarded in one of them", async () => {
    const one = await tabOf();
    await one.outbox.add({ conversationId: "c", content: "unwanted" });
    const two = await tabOf();
    expect(two.shown()).toEqual(["unwanted"]);
    await one.outbox.discard(one.outbox.entries[0]?.clientMessageId ?? "");
    await eventually(() => expect(two.shown()).toEqual([]));
    two.outbox.setOpen(true);
    await settled();
    expect(two.sent).toEqual([]);
  });

  it("is not taken over by a tab of another user, or by one whose session has ended", async () => {
    const [one, bobs, ended] = [await tabOf(), await tabOf("bob"), await tabOf()];
    await one.outbox.add({ conversationId: "c", content: "mine" });
    await settled();
    ended.outbox.stop();
    one.close();
    await settled();
    expect([bobs.shown(), ended.shown()]).toEqual([[], []]);
    expect((await tabOf()).shown()).toEqual(["mine"]);
  });
});
