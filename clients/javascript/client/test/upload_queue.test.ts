import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { type FileVersion, type PendingFile, UploadQueue } from "../src/files/upload_queue.ts";
import { IndexedDbUploadStore } from "../src/files/upload_store.ts";
import { RequestError, UNREACHABLE } from "../src/server/request_error.ts";
import type { FileUpload, FileUploadListener } from "../src/server/upload.ts";
import { settled } from "./waiting.ts";

interface Sending extends FileUpload {
  readonly listener: FileUploadListener;
  readonly stop: AbortSignal;
  resolve(id: string): Promise<void>;
  reject(error: Error): Promise<void>;
}

/** A server that accepts files on demand. */
class Server {
  readonly asked: Sending[] = [];
  readonly removed: string[] = [];

  send = (upload: FileUpload, listener: FileUploadListener, stop: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      stop.addEventListener("abort", () => reject(stop.reason));
      this.asked.push({
        ...upload,
        listener,
        stop,
        resolve: async (id) => {
          resolve(id);
          await settled();
        },
        reject: async (error) => {
          reject(error);
          await settled();
        },
      });
    });

  get names(): string[] {
    return this.asked.map(({ name }) => name);
  }

  at(index: number): Sending {
    const found = this.asked.at(index);
    if (found === undefined) throw new Error("nothing was asked");
    return found;
  }
}

const refused = (code: string) => new RequestError({ code, message: `no: ${code}` });
const file = (name: string, content = "12345") => new File([content], name, { type: "text/plain" });

let databases = 0;
let store: IndexedDbUploadStore;
let server: Server;
let shown: readonly PendingFile[];
/** What the check of a file waits for. */
let checked: Promise<void>;
beforeEach(() => {
  store = new IndexedDbUploadStore(`uploads-${databases++}`);
  server = new Server();
  checked = Promise.resolve();
});

type Shrink = (file: FileVersion) => Promise<FileVersion | null>;

async function queueOf(userId = "alice", largest = 1_000, shrink: Shrink = async () => null): Promise<UploadQueue> {
  const queue = new UploadQueue({
    shrink,
    userId,
    store,
    send: server.send,
    onChange: (files) => {
      shown = files;
    },
    check: async ({ size }) => {
      await checked;
      if (size > largest) throw new RequestError({ code: "file_too_large", message: "too large" });
    },
    remove: (id) => server.removed.push(id),
    withLock: (_, work) => work(),
    now: () => 1_000,
  });
  await queue.start();
  return queue;
}

function only(): PendingFile {
  const [first] = shown;
  if (first === undefined) throw new Error("no file is there");
  return first;
}

describe("uploads", () => {
  it("run a few at a time, in order", async () => {
    const queue = await queueOf();
    queue.add(
      "c",
      ["1", "2", "3", "4"].map((name) => file(name)),
    );
    await settled();
    expect(server.names).toEqual(["1", "2", "3"]);
    await server.at(0).resolve("f1");
    expect(server.names).toEqual(["1", "2", "3", "4"]);
    expect(queue.fileIds(shown.slice(0, 1).map(({ id }) => id))).toEqual(["f1"]);
    expect(queue.fileIds(shown.map(({ id }) => id))).toBeNull();
  });

  it("report their progress", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1")]);
    await settled();
    server.at(0).listener.started("f1");
    server.at(0).listener.progressed(3);
    expect(only()).toMatchObject({ sent: 3, done: false, startedAs: "f1" });
    await server.at(0).resolve("f1");
    expect(only()).toMatchObject({ sent: 5, done: true });
  });

  it("continue after a reload where they were, with their bytes", async () => {
    const before = await queueOf();
    before.add("c", [file("1"), file("2")]);
    await settled();
    server.at(0).listener.started("f1");
    await server.at(1).resolve("f2");
    before.stop();
    await queueOf();
    await settled();
    expect(server.names).toEqual(["1", "2", "1"]);
    expect(server.at(-1).startedAs).toBe("f1");
    expect(await server.at(-1).bytes.text()).toBe("12345");
    expect(shown.map(({ done }) => done)).toEqual([false, true]);
  });

  it("can be paused and resumed", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1")]);
    await settled();
    server.at(0).listener.started("f1");
    queue.pause(only().id);
    await settled();
    expect(server.at(0).stop.aborted).toBe(true);
    expect(only()).toMatchObject({ paused: true, problem: null });
    queue.resume(only().id);
    await settled();
    expect(server.at(-1).startedAs).toBe("f1");
    await server.at(-1).resolve("f1");
    expect(only().done).toBe(true);
  });

  it("stay paused through a reload", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1")]);
    await settled();
    queue.pause(only().id);
    await settled();
    queue.stop();
    await queueOf();
    await settled();
    expect(server.names).toEqual(["1"]);
    expect(only().paused).toBe(true);
  });

  it("wait for the connection, and continue as soon as it is back", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1")]);
    await settled();
    await server.at(0).reject(refused(UNREACHABLE));
    expect(only()).toMatchObject({ stalled: true, problem: null });
    queue.wake();
    await settled();
    expect(server.names).toEqual(["1", "1"]);
    server.at(1).listener.progressed(1);
    expect(only().stalled).toBe(false);
  });

  it("that are refused show why, and let others pass", async () => {
    const queue = await queueOf("alice", 5);
    queue.add("c", [file("large", "123456"), file("bad"), file("good")]);
    await settled();
    expect(server.names).toEqual(["bad", "good"]);
    await server.at(0).reject(refused("forbidden"));
    await server.at(1).resolve("f3");
    expect(shown.map(({ problem }) => problem)).toEqual(["too large", "no: forbidden", null]);
    const bad = shown[1]?.id as string;
    expect(queue.isSettled([bad])).toBe(false);
    queue.resume(bad);
    await settled();
    expect(server.names).toEqual(["bad", "good", "bad"]);
  });

  it("that are removed are deleted here and on the server", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1")]);
    await settled();
    server.at(0).listener.started("f1");
    queue.remove(only().id);
    await settled();
    expect(shown).toEqual([]);
    expect(server.at(0).stop.aborted).toBe(true);
    expect(server.removed).toEqual(["f1"]);
    expect(await store.read("alice")).toEqual([]);
  });

  it("are removed with their outbox entry: from the server too when it was discarded", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1"), file("2")]);
    await settled();
    await server.at(0).resolve("f1");
    await server.at(1).resolve("f2");
    const [first, second] = shown.map(({ id }) => id) as [string, string];
    queue.assign([first], "letter 1");
    queue.assign([second], "letter 2");
    expect(shown.map(({ entryId }) => entryId)).toEqual(["letter 1", "letter 2"]);
    queue.release("letter 1", true);
    queue.release("letter 2", false);
    await settled();
    expect(server.removed).toEqual(["f2"]);
    expect(await store.read("alice")).toEqual([]);
  });

  it("of entries that no longer exist are forgotten, those at a composer are kept", async () => {
    const queue = await queueOf();
    queue.add("c", [file("1"), file("2"), file("3")]);
    const [first, second] = shown.map(({ id }) => id) as [string, string];
    queue.assign([first], "there");
    queue.assign([second], "gone");
    queue.keepOnly(new Set(["there"]));
    expect(shown.map(({ name }) => name)).toEqual(["1", "3"]);
  });

  it("of another user are left alone", async () => {
    (await queueOf("bob")).add("c", [file("bob's")]);
    await settled();
    await queueOf("alice");
    expect(shown).toEqual([]);
    expect((await store.read("bob")).map(({ name }) => name)).toEqual(["bob's"]);
  });

  it("of an entry that another tab has left are taken over, and no others", async () => {
    const queue = await queueOf();
    const before = await queueOf();
    const [sent] = before.add("c", [file("sent"), file("at the composer")]);
    await settled();
    before.stop();
    await queue.takeOver([sent ?? ""]);
    await queue.takeOver([sent ?? ""]);
    await settled();
    expect(server.names).toEqual(["sent", "at the composer", "sent"]);
    expect(shown.map(({ name }) => name)).toEqual(["sent"]);
  });

  it("that another tab has finished are not sent again", async () => {
    const one = await queueOf();
    one.add("c", [file("1")]);
    await settled();
    // The lock is free when the other tab is done.
    let free = (): void => undefined;
    const other = new UploadQueue({
      userId: "alice",
      store,
      send: server.send,
      onChange: (files) => {
        shown = files;
      },
      check: async () => undefined,
      remove: () => undefined,
      withLock: async (_, work) => {
        await new Promise<void>((resolve) => {
          free = resolve;
        });
        await work();
      },
    });
    await other.start();
    await server.at(0).resolve("f1");
    free();
    await settled();
    expect(server.names).toEqual(["1"]);
    expect(only()).toMatchObject({ done: true, startedAs: "f1" });
  });
});

describe("a picture", () => {
  const photo = () => new File(["0123456789"], "photo.png", { type: "image/png" });
  const small = { name: "photo.jpg", type: "image/jpeg", bytes: new Blob(["012"]) };

  it("is sent smaller, and shown so", async () => {
    const queue = await queueOf("alice", 5, async () => small);
    queue.add("c1", [photo()]);
    await settled();
    expect(server.at(0)).toMatchObject(small);
    expect(only()).toMatchObject({ name: "photo.jpg", size: 3 });
  });

  it("is sent as it was chosen where it cannot be smaller, and where the reader wants that", async () => {
    const queue = await queueOf("alice", 1_000, async () => null);
    queue.add("c1", [photo()]);
    await settled();
    expect(server.at(0)).toMatchObject({ name: "photo.png", bytes: { size: 10 } });
    const asChosen = await queueOf("bob", 1_000, async () => small);
    const [id = ""] = asChosen.add("c1", [photo()]);
    asChosen.sendOriginal(id, true);
    await settled();
    expect(server.at(1)).toMatchObject({ name: "photo.png", bytes: { size: 10 } });
  });

  it("begins again when the reader wants the original, and keeps that through a reload", async () => {
    const queue = await queueOf("alice", 1_000, async () => small);
    const [id = ""] = queue.add("c1", [photo()]);
    await settled();
    await server.at(0).resolve("server-1");
    queue.sendOriginal(id, true);
    await settled();
    expect(server.removed).toEqual(["server-1"]);
    expect(server.at(1)).toMatchObject({ name: "photo.png", startedAs: null, bytes: { size: 10 } });
    expect(only()).toMatchObject({ name: "photo.png", size: 10, done: false });
    queue.stop();
    await queueOf("alice", 1_000, async () => small);
    await settled();
    expect(server.at(2)).toMatchObject({ name: "photo.png", bytes: { size: 10 } });
  });

  it("keeps nothing of the version that is no longer wanted, however late the server answers", async () => {
    const queue = await queueOf("alice", 1_000, async () => small);
    const [id = ""] = queue.add("c1", [photo()]);
    await settled();
    queue.sendOriginal(id, true);
    server.at(0).listener.started("late");
    server.at(0).listener.progressed(3);
    await settled();
    expect(server.removed).toEqual(["late"]);
    expect(server.at(1)).toMatchObject({ name: "photo.png", startedAs: null });
    expect(only()).toMatchObject({ startedAs: null, sent: 0 });
  });

  it("is not sent smaller if the reader chooses the original while its size is checked", async () => {
    let pass = (): void => undefined;
    checked = new Promise((resolve) => {
      pass = resolve;
    });
    const queue = await queueOf("alice", 1_000, async () => small);
    const [id = ""] = queue.add("c1", [photo()]);
    await settled();
    queue.sendOriginal(id, true);
    pass();
    await settled();
    expect(server.names).toEqual(["photo.png"]);
  });
});
