import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { IndexedLetterBox } from "../src/chat/letter_box";
import { type Letter, Outbox } from "../src/chat/outbox";
import { Refused, UNREACHABLE } from "../src/server/refused";

const refused = (code: string, details?: unknown) => new Refused({ code, message: `no: ${code}`, details });

/** A server that answers when it is told to. */
class Server {
  readonly asked: Letter[] = [];
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  pauses: number[] = [];
  wake: () => void = () => undefined;

  send = (letter: Letter): Promise<void> => {
    this.asked.push(letter);
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

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
let databases = 0;
let box: IndexedLetterBox;
let server: Server;
beforeEach(() => {
  box = new IndexedLetterBox(`outbox-${databases++}`);
  server = new Server();
});

function outboxOf(userId = "alice", changed: (letters: readonly Letter[]) => void = () => undefined): Outbox {
  return new Outbox({ userId, box, send: server.send, sleep: server.sleep, changed, now: () => 1000 });
}

async function kept(userId = "alice"): Promise<string[]> {
  return (await box.read(userId)).map(({ content }) => content);
}

describe("letters", () => {
  it("are shown at once, kept, and gone once they are acknowledged", async () => {
    const shown: string[][] = [];
    const outbox = outboxOf("alice", (letters) => shown.push(letters.map(({ content }) => content)));
    outbox.setOpen(true);
    const added = outbox.add("c", "hello");
    expect(shown).toEqual([["hello"]]);
    await added;
    expect(await kept()).toEqual(["hello"]);
    await server.acknowledge();
    expect(shown.at(-1)).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  it("of one conversation go one after the other, those of another beside them", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "1");
    await outbox.add("c", "2");
    await outbox.add("d", "3");
    expect(server.contents).toEqual(["1", "3"]);
    await server.acknowledge();
    expect(server.contents).toEqual(["1", "3", "2"]);
  });

  it("wait for the connection, also through a reload, in their order", async () => {
    const before = outboxOf();
    for (const content of ["1", "2", "3"]) await before.add("c", content);
    expect(server.asked).toEqual([]);
    const after = outboxOf();
    await after.start();
    expect(after.letters.map(({ content }) => content)).toEqual(["1", "2", "3"]);
    after.setOpen(true);
    for (let count = 0; count < 3; count++) await server.acknowledge();
    expect(server.contents).toEqual(["1", "2", "3"]);
    expect(await kept()).toEqual([]);
  });

  it("are sent again under the same id when nobody knows whether they arrived", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "once");
    outbox.setOpen(false);
    await server.refuse(refused(UNREACHABLE));
    expect(server.pauses).toEqual([]);
    outbox.setOpen(true);
    expect(server.asked.map(({ clientMessageId }) => clientMessageId)).toEqual(
      Array(2).fill(outbox.letters[0]?.clientMessageId),
    );
  });

  it("wait as long as the server asks", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "1");
    await outbox.add("c", "2");
    await server.refuse(refused("rate_limited", { retryAfterMs: 9000 }));
    expect(server.pauses).toEqual([9000]);
    expect(server.contents).toEqual(["1"]);
    server.wake();
    await settled();
    expect(server.contents).toEqual(["1", "1"]);
  });

  it("that are refused say why, let others pass, and are kept until they are tried again or given up", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "bad");
    await outbox.add("c", "good");
    await server.refuse(refused("muted"));
    await server.acknowledge();
    expect(outbox.letters.map(({ content, problem }) => [content, problem])).toEqual([["bad", "no: muted"]]);
    const id = outbox.letters[0]?.clientMessageId as string;
    const reloaded = outboxOf();
    await reloaded.start();
    reloaded.setOpen(true);
    expect(server.contents).toEqual(["bad", "good"]);
    await reloaded.retry(id);
    expect(server.contents).toEqual(["bad", "good", "bad"]);
    await server.refuse(refused("muted"));
    await reloaded.discard(id);
    expect(reloaded.letters).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  it("whose message has come back are done, whatever became of the answer", async () => {
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "1");
    outbox.arrived(outbox.letters[0]?.clientMessageId as string);
    await settled();
    expect(outbox.letters).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  it("of another user are left alone", async () => {
    await outboxOf("bob").add("c", "bob's");
    const outbox = outboxOf();
    await outbox.start();
    expect(outbox.letters).toEqual([]);
    expect(await kept("bob")).toEqual(["bob's"]);
  });

  it("are sent by a browser that keeps nothing", async () => {
    box.put = () => Promise.reject(new Error("the disk is full"));
    const outbox = outboxOf();
    outbox.setOpen(true);
    await outbox.add("c", "unkept");
    expect(server.contents).toEqual(["unkept"]);
  });
});
