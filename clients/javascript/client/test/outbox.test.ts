import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { Outbox, type OutboxEntry, type OutboxOptions } from "../src/outbox/outbox.ts";
import { IndexedDbOutboxStore } from "../src/outbox/outbox_store.ts";
import { RequestError, UNREACHABLE } from "../src/server/request_error.ts";
import { settled } from "./waiting.ts";

const refused = (code: string, details?: unknown) => new RequestError({ code, message: `no: ${code}`, details });

/** A server that replies on demand. */
class Server {
  readonly asked: OutboxEntry[] = [];
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  pauses: number[] = [];
  wake: () => void = () => undefined;

  send = (entry: OutboxEntry): Promise<void> => {
    this.asked.push(entry);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  };
  sleep = (ms: number): Promise<void> => {
    this.pauses.push(ms);
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  };
  async acknowledge(): Promise<void> {
    this.#waiting.shift()?.resolve();
    await settled();
  }
  async refuse(error: Error): Promise<void> {
    this.#waiting.shift()?.reject(error);
    await settled();
  }
  get contents(): string[] {
    return this.asked.map(({ content }) => content);
  }
}

let databases = 0;
let store: IndexedDbOutboxStore;
let server: Server;
beforeEach(() => {
  store = new IndexedDbOutboxStore(`outbox-${databases++}`);
  server = new Server();
});

function outboxOf(userId = "alice", onChange: (entries: readonly OutboxEntry[]) => void = () => undefined): Outbox {
  return new Outbox({ userId, store, send: server.send, sleep: server.sleep, onChange, now: () => 1000 });
}

/** An outbox whose entries wait for their files until these are ready. */
function waitingFor(ready: ReadonlySet<string>, onRemoved: OutboxOptions["onRemoved"] = () => undefined): Outbox {
  const hasFiles = ({ attachments = [] }: OutboxEntry) => attachments.every((id) => ready.has(id));
  const awaitsFiles = (entry: OutboxEntry) => !hasFiles(entry);
  const { send } = server;
  return new Outbox({
    userId: "alice",
    store,
    send,
    onChange: () => undefined,
    isReady: hasFiles,
    awaitsFiles,
    onRemoved,
  });
}

async function stored(userId = "alice"): Promise<string[]> {
  return (await store.read(userId)).map(({ content }) => content);
}

async function oldLetter(): Promise<OutboxEntry> {
  const outbox = outboxOf();
  await outbox.add({ conversationId: "c", content: "old" });
  return outbox.entries[0] as OutboxEntry;
}

describe("outbox entries", () => {
  it("are shown at once, stored, and removed once they are acknowledged", async () => {
    const shown: string[][] = [];
    const outbox = outboxOf("alice", (entries) => shown.push(entries.map(({ content }) => content)));
    outbox.setOpen(true);
    const added = outbox.add({ conversationId: "c", content: "hello" });
    expect(shown).toEqual([["hello"]]);
    await added;
    expect(await stored()).toEqual(["hello"]);
    await server.acknowledge();
    expect(shown.at(-1)).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it("of one conversation are sent in sequence, those of another in parallel", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "1" });
    await outbox.add({ conversationId: "c", content: "2" });
    await outbox.add({ conversationId: "d", content: "3" });
    expect(server.contents).toEqual(["1", "3"]);
    await server.acknowledge();
    expect(server.contents).toEqual(["1", "3", "2"]);
  });

  it("wait for the connection, also through a reload, in order", async () => {
    const before = outboxOf();
    for (const content of ["1", "2", "3"]) await before.add({ conversationId: "c", content });
    expect(server.asked).toEqual([]);
    const after = outboxOf();
    await after.start();
    expect(after.entries.map(({ content }) => content)).toEqual(["1", "2", "3"]);
    after.setOpen(true);
    for (let count = 0; count < 3; count++) await server.acknowledge();
    expect(server.contents).toEqual(["1", "2", "3"]);
    expect(await stored()).toEqual([]);
  });

  it("are sent again with the same id when their delivery is unknown", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "once" });
    outbox.setOpen(false);
    await server.refuse(refused(UNREACHABLE));
    expect(server.pauses).toEqual([]);
    outbox.setOpen(true);
    expect(server.asked.map(({ clientMessageId }) => clientMessageId)).toEqual(
      Array(2).fill(outbox.entries[0]?.clientMessageId),
    );
  });

  it("wait as long as the server asks", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "1" });
    await outbox.add({ conversationId: "c", content: "2" });
    await server.refuse(refused("rate_limited", { retryAfterMs: 9000 }));
    expect(server.pauses).toEqual([9000]);
    expect(server.contents).toEqual(["1"]);
    server.wake();
    await settled();
    expect(server.contents).toEqual(["1", "1"]);
  });

  it("say until when they wait, and can be withdrawn meanwhile", async () => {
    const sending: string[][] = [];
    const onSending = (ids: ReadonlySet<string>) => sending.push([...ids]);
    const { send, sleep } = server;
    const outbox = new Outbox({
      userId: "alice",
      store,
      send,
      sleep,
      onChange: () => undefined,
      onSending,
      now: () => 1000,
    });
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "slow" });
    const id = outbox.entries[0]?.clientMessageId as string;
    expect(sending).toEqual([[id]]);
    expect(await outbox.withdraw(() => true)).toBe(false);
    await server.refuse(refused("rate_limited", { retryAfterMs: 9000 }));
    expect(sending.at(-1)).toEqual([]);
    expect(outbox.entries[0]?.retryAt).toBe(10_000);
    expect(await outbox.withdraw(() => true)).toBe(true);
    await outbox.add({ conversationId: "c", content: "next" });
    expect(server.contents).toEqual(["slow"]);
    server.wake();
    await settled();
    expect(server.contents).toEqual(["slow", "next"]);
  });

  it("are sent at once when the rules of their conversation change", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "slow" });
    await server.refuse(refused("rate_limited", { retryAfterMs: 9000 }));
    outbox.resume("d");
    expect(server.contents).toEqual(["slow"]);
    outbox.resume("c");
    expect(server.contents).toEqual(["slow", "slow"]);
    // The end of the first pause does not end the second one.
    const { wake } = server;
    await server.refuse(refused("rate_limited", { retryAfterMs: 5000 }));
    wake();
    await settled();
    expect(server.contents).toEqual(["slow", "slow"]);
  });

  it("that change messages do not wait for a new message", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "slow" });
    await server.refuse(refused("rate_limited", { retryAfterMs: 9000 }));
    await outbox.add({ conversationId: "c", content: "", change: { kind: "edit", messageId: "m", content: "new" } });
    expect(server.asked.map(({ change }) => change?.kind)).toEqual([undefined, "edit"]);
  });

  it("that reply to a message that was deleted are retried without it", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "I do", replyToId: "m1" });
    const details = [{ path: "replyToId", message: "this message was deleted" }];
    await server.refuse(refused("invalid_request", details));
    await outbox.retry(outbox.entries[0]?.clientMessageId as string);
    expect(server.asked.map(({ replyToId }) => replyToId)).toEqual(["m1", null]);
  });

  it("in a thread whose first message was deleted are retried without it", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "I do", threadId: "m1" });
    await server.refuse(refused("invalid_request", [{ path: "threadId", message: "this message was deleted" }]));
    await outbox.retry(outbox.entries[0]?.clientMessageId as string);
    expect(server.asked.map(({ threadId }) => threadId)).toEqual(["m1", null]);
  });

  it("that were refused because something new has come are not sent again until they are retried, without that condition", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "only then", ifLastSeq: 7 });
    const details = { reason: "changed", lastSeq: 8, messages: [] };
    const refusal = refused("conflict", details);
    expect([refusal.changed, refused("conflict").changed]).toEqual([details, null]);
    await server.refuse(refusal);
    outbox.setOpen(false);
    outbox.setOpen(true);
    expect(outbox.entries).toMatchObject([{ problemCode: "conflict", problemDetails: details }]);
    const reloaded = outboxOf();
    await reloaded.start();
    reloaded.setOpen(true);
    expect(server.asked.map(({ ifLastSeq }) => ifLastSeq)).toEqual([7]);
    await reloaded.retry(reloaded.entries[0]?.clientMessageId as string);
    expect(server.asked.map(({ ifLastSeq }) => ifLastSeq)).toEqual([7, undefined]);
  });

  it("that were refused because something new has come are retried with other conditions, if there are any", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "only then", ifLastSeq: 7, ifHandler: null });
    const id = outbox.entries[0]?.clientMessageId as string;
    await server.refuse(refused("conflict", { reason: "changed", lastSeq: 8, messages: [], handler: "kim" }));
    await outbox.retry(id, { ifLastSeq: 8, ifHandler: "kim" });
    await server.refuse(refused("conflict", { reason: "changed", lastSeq: 9, messages: [], handler: "kim" }));
    await outbox.retry(id);
    expect(server.asked.map(({ ifLastSeq, ifHandler }) => [ifLastSeq, ifHandler])).toEqual([
      [7, null],
      [8, "kim"],
      [undefined, undefined],
    ]);
  });

  it("keep their condition when they are retried after another refusal, or written again before they are sent", async () => {
    const outbox = outboxOf();
    await outbox.add({ conversationId: "c", content: "only then", ifLastSeq: 7 });
    const id = outbox.entries[0]?.clientMessageId as string;
    await outbox.rewrite(id, "only now");
    outbox.setOpen(true);
    await settled();
    await server.refuse(refused("muted"));
    await outbox.retry(id);
    expect(server.asked.map(({ content, ifLastSeq }) => [content, ifLastSeq])).toEqual([
      ["only now", 7],
      ["only now", 7],
    ]);
  });

  it("that are refused show why, let others pass, and stay until they are retried or discarded", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "bad" });
    await outbox.add({ conversationId: "c", content: "good" });
    await server.refuse(refused("muted"));
    await server.acknowledge();
    expect(outbox.entries.map(({ content, problem }) => [content, problem])).toEqual([["bad", "no: muted"]]);
    const id = outbox.entries[0]?.clientMessageId as string;
    const reloaded = outboxOf();
    await reloaded.start();
    reloaded.setOpen(true);
    expect(server.contents).toEqual(["bad", "good"]);
    await reloaded.retry(id);
    expect(server.contents).toEqual(["bad", "good", "bad"]);
    await server.refuse(refused("muted"));
    await reloaded.discard(id);
    expect(reloaded.entries).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it("that are rewritten keep their place, and what they said before", async () => {
    const outbox = outboxOf();
    for (const content of ["first", "second", "third"]) await outbox.add({ conversationId: "c", content });
    const id = outbox.entries[1]?.clientMessageId ?? "";
    expect(await outbox.rewrite(id, "changed")).toBe(true);
    await outbox.rewrite(id, "changed again");
    expect(await stored()).toEqual(["first", "changed again", "third"]);
    expect(outbox.entries[1]).toMatchObject({ clientMessageId: id, formerContents: ["changed", "second"] });
    outbox.setOpen(true);
    for (const _ of [1, 2, 3]) await server.acknowledge();
    expect(server.contents).toEqual(["first", "changed again", "third"]);
    expect(await outbox.rewrite(id, "too late")).toBe(false);
  });

  it("that are rewritten after or during a refusal are sent again", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "rude" });
    const id = outbox.entries[0]?.clientMessageId ?? "";
    await server.refuse(refused("forbidden"));
    await outbox.rewrite(id, "still rude");
    await outbox.rewrite(id, "kind");
    await server.refuse(refused("forbidden"));
    expect(server.contents).toEqual(["rude", "still rude", "kind"]);
    expect(outbox.entries).toMatchObject([{ content: "kind", problem: null }]);
  });

  it("are removed when their message arrives, whatever the reply says", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "1" });
    outbox.arrived(outbox.entries[0]?.clientMessageId as string);
    await settled();
    expect(outbox.entries).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it("of another user are left alone", async () => {
    await outboxOf("bob").add({ conversationId: "c", content: "bob's" });
    const outbox = outboxOf();
    await outbox.start();
    expect(outbox.entries).toEqual([]);
    expect(await stored("bob")).toEqual(["bob's"]);
  });

  it("wait for their files, and let others pass meanwhile", async () => {
    const ready = new Set<string>();
    const onRemoved: string[] = [];
    const outbox = waitingFor(ready, ({ content }, isSent) => onRemoved.push(`${content} ${isSent}`));
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "with", attachments: ["u1", "u2"] });
    await outbox.add({ conversationId: "c", content: "after it" });
    await outbox.add({ conversationId: "c", content: "a reply", threadId: "t" });
    expect(server.contents).toEqual(["after it"]);
    ready.add("u1");
    outbox.sendReady();
    await server.acknowledge();
    expect(server.contents).toEqual(["after it", "a reply"]);
    await outbox.detach(outbox.entries[0]?.clientMessageId as string, "u2");
    expect(server.contents).toEqual(["after it", "a reply"]);
    await server.acknowledge();
    expect(server.asked.at(-1)).toMatchObject({ content: "with", attachments: ["u1"] });
    await server.acknowledge();
    expect(onRemoved).toEqual(["after it true", "a reply true", "with true"]);
  });

  it("whose files are uploaded are sent in their turn, also offline and after a reload", async () => {
    const ready = new Set(["u1"]);
    const before = waitingFor(ready);
    await before.add({ conversationId: "c", content: "first" });
    await before.add({ conversationId: "c", content: "large", attachments: ["u2"] });
    await before.add({ conversationId: "c", content: "small", attachments: ["u1"] });
    await before.add({ conversationId: "c", content: "last" });
    const after = waitingFor(ready);
    await after.start();
    after.setOpen(true);
    for (let count = 0; count < 3; count++) await server.acknowledge();
    expect(server.contents).toEqual(["first", "small", "last"]);
    ready.add("u2");
    after.sendReady();
    expect(server.contents).toEqual(["first", "small", "last", "large"]);
  });

  it("that are not ready for another reason hold up others", async () => {
    let isHeld = true;
    const isReady = ({ content }: OutboxEntry) => content !== "edited" || !isHeld;
    const outbox = new Outbox({ userId: "alice", store, send: server.send, onChange: () => undefined, isReady });
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "edited" });
    await outbox.add({ conversationId: "c", content: "behind it" });
    await outbox.add({ conversationId: "d", content: "elsewhere" });
    expect(server.contents).toEqual(["elsewhere"]);
    isHeld = false;
    outbox.sendReady();
    expect(server.contents).toEqual(["elsewhere", "edited"]);
    await server.acknowledge();
    await server.acknowledge();
    expect(server.contents).toEqual(["elsewhere", "edited", "behind it"]);
  });

  it("with only a file are discarded when it is removed", async () => {
    const outbox = outboxOf();
    await outbox.add({ conversationId: "c", content: "", attachments: ["u1"] });
    await outbox.detach(outbox.entries[0]?.clientMessageId as string, "u1");
    expect(outbox.entries).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it("of an older page, without files and threads, are sent as they are", async () => {
    const { threadId: _, attachments: __, ...old } = await oldLetter();
    await store.put(old);
    const outbox = outboxOf();
    await outbox.start();
    outbox.setOpen(true);
    expect(server.contents).toEqual(["old"]);
  });

  it("are sent by a browser without storage", async () => {
    store.put = () => Promise.reject(new Error("the disk is full"));
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "unkept" });
    expect(server.contents).toEqual(["unkept"]);
  });
});

describe("outbox entries of two tabs", () => {
  it("are not stored again after the other tab has sent or discarded them", async () => {
    const first = outboxOf();
    await first.add({ conversationId: "c", content: "with a file that is gone now", attachments: ["file"] });
    await first.add({ conversationId: "c", content: "mine" });
    const second = outboxOf();
    await second.start();
    await first.discard(first.entries[0]?.clientMessageId ?? "");
    second.setOpen(true);
    await server.refuse(refused("invalid_request"));
    expect(second.entries.map(({ content }) => content)).toEqual(["mine"]);
    expect(await stored()).toEqual(["mine"]);
  });

  it("are not stored again when they are discarded while they are being sent", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add({ conversationId: "c", content: "unwanted" });
    await outbox.discard(outbox.entries[0]?.clientMessageId ?? "");
    await server.refuse(refused("forbidden"));
    expect(await stored()).toEqual([]);
  });
});
