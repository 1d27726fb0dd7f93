import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { Talkwire } from "../src/index.ts";
import { bundled, runNative } from "./react_native.ts";
import { eventually } from "./waiting.ts";

const tokenOf = (sub: string) => `e30.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.signature`;

let bundle: string;
beforeAll(async () => {
  bundle = await bundled();
}, 60_000);

/** A storage for texts, like AsyncStorage. */
function textsIn(values: Map<string, string>) {
  return {
    get: async (key: string) => values.get(key) ?? null,
    set: async (key: string, value: string) => {
      if (typeof value !== "string") throw new TypeError("The value is no text.");
      values.set(key, value);
    },
    delete: async (key: string) => void values.delete(key),
    keys: async (prefix: string) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  };
}

describe("without what React Native lacks, a message waits until it is sent", () => {
  it.each([
    [],
    ["navigator"],
    ["atob"],
    ["FormData", "Blob", "XMLHttpRequest", "URLSearchParams"],
    ["window", "self", "global"],
    ["AbortController", "AbortSignal"],
  ])("and without %s %s %s %s", async (...missing) => {
    const { Talkwire, RequestError } = runNative(bundle, missing);
    const values = new Map<string, string>();
    const chat = new Talkwire({
      url: "http://127.0.0.1:9/chat",
      token: tokenOf("jürgen"),
      userId: "jürgen",
      storage: textsIn(values),
    });
    chat.connect().catch(() => undefined);
    const room = chat.conversation("plans");
    const [first, second] = ["one", "two"].map((text) => room.send(text).catch((error: unknown) => error));
    await eventually(() => expect(chat.reason?.message).toContain("http://127.0.0.1:9/chat/"));
    expect(room.pending.map(({ content }) => content)).toEqual(["one", "two"]);
    expect(new Set(room.pending.map(({ clientMessageId }) => clientMessageId)).size).toBe(2);
    expect([...values.values()].map((text) => JSON.parse(text).content)).toEqual(["one", "two"]);
    chat.close();
    expect(await first).toBeInstanceOf(RequestError);
    expect(await second).toMatchObject({ code: "closed" });
  });
});

it("an address that is none is refused", () => {
  const { Talkwire } = runNative(bundle);
  for (const url of ["chat.example.com", "", "http://", "ftp://example.com", "http://a b"])
    expect(() => new Talkwire({ url, token: "t" })).toThrow("is no address");
});

it.each([
  ["a picker's object without a name", { uri: "file:///photo.jpg", type: "image/jpeg" }],
  ["an address", "file:///photo.jpg"],
  ["nothing", undefined],
])("%s is refused as a file, by its place", async (_, file) => {
  const { Talkwire, RequestError } = runNative(bundle);
  const chat = new Talkwire({ url: "http://127.0.0.1:9", token: "t", userId: "alice" });
  const refused = await chat
    .conversation("c")
    .send("", { files: [file as unknown as File] })
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RequestError);
  expect(refused).toMatchObject({ code: "invalid_request", message: expect.stringContaining("files[0]") });
  chat.close();
});

it("a message whose storage fails is sent all the same, and one that cannot be queued is refused", async () => {
  const broken = () => {
    throw new TypeError("disk full");
  };
  const { Talkwire, RequestError } = runNative(bundle, []);
  const chat = new Talkwire({
    url: "http://127.0.0.1:9",
    token: "t",
    userId: "alice",
    storage: { get: broken, set: broken, delete: broken, keys: broken },
  });
  const room = chat.conversation("c");
  room.send("waits").catch(() => undefined);
  await eventually(() => expect(room.pending).toHaveLength(1));
  const refused = await room.send("x", { files: 1 as unknown as File[] }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RequestError);
  chat.close();
});

const { TALKWIRE_URL: url = "", TALKWIRE_TOKEN: token = "", TALKWIRE_USER: userId = "" } = process.env;
describe.runIf(url !== "")("through a server", () => {
  async function photo(): Promise<{ uri: string; name: string; type: string }> {
    const path = join(await mkdtemp(join(tmpdir(), "native-")), "notes.txt");
    await writeFile(path, "from the phone");
    return { uri: pathToFileURL(path).href, name: "notes.txt", type: "text/plain" };
  }

  it("a message with a native file arrives, also after a restart of the app", async () => {
    const values = new Map<string, string>();
    const started = (server: string): Talkwire => {
      const { Talkwire } = runNative(bundle);
      return new Talkwire({ url: server, token, userId, storage: textsIn(values) });
    };
    const before = started("http://127.0.0.1:9");
    const id = process.env.TALKWIRE_CONVERSATION ?? "";
    before
      .conversation(id)
      .send("before", { files: [await photo()] })
      .catch(() => undefined);
    await eventually(() => expect(values.size).toBe(2));
    before.close();

    const after = started(url);
    await after.connect();
    const room = after.conversation(id);
    await eventually(() => expect(room.messages.map(({ content }) => content)).toContain("before"));
    const sent = await room.send("after", { files: [await photo()] });
    expect(sent.attachments).toMatchObject([{ name: "notes.txt", size: 14 }]);
    const answer = await fetch(after.fileUrl(sent.attachments?.[0]?.url ?? ""));
    expect(await answer.text()).toBe("from the phone");
    expect(room.messages[0]?.attachments).toMatchObject([{ name: "notes.txt", size: 14 }]);
    after.close();
  });

  it("a file that is gone leaves the message pending with an error", async () => {
    const { Talkwire } = runNative(bundle);
    const chat = new Talkwire({ url, token, userId });
    await chat.connect();
    const room = chat.conversation(process.env.TALKWIRE_CONVERSATION ?? "");
    const file = { uri: "file:///gone/photo.jpg", name: "photo.jpg", type: "image/jpeg" };
    const refused = await room.send("", { files: [file] }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "unreadable" });
    expect(room.pending[0]?.error).toMatchObject({ code: "unreadable" });
    chat.close();
  });
});
