import "fake-indexeddb/auto";
import { expect, it, vi } from "vitest";
import { conversation, message } from "../../clients/javascript/client/test/samples";
import { namesIn, picturePathsIn, picturesFor } from "../src/chat/push/context_of";
import { PushContextStore } from "../src/chat/push/push_context";

const picture = new Blob(["B"], { type: "image/png" });
const from = (senderId: string, avatar: string) =>
  message(1, { senderId, sender: { id: senderId, name: senderId, avatar } });

const conversations = {
  g: conversation("g", { kind: "group", name: "Plans", lastMessage: from("bob", "/files/bob") }),
  d: conversation("d", { kind: "direct", name: "Dora", avatar: "/files/dora" }),
  e: conversation("e", { kind: "channel", lastMessage: from("eve", "https://elsewhere.example/eve") }),
};

it("names groups and channels, and leaves direct conversations to the sender's name", () => {
  expect(namesIn({ g: conversations.g, d: conversations.d })).toEqual({ g: "Plans" });
});

it("takes no pictures from other servers", () => {
  expect(Object.fromEntries(picturePathsIn(conversations))).toEqual({ bob: "/files/bob", d: "/files/dora" });
});

it("loads a picture once, and again when it has changed", async () => {
  const load = vi.fn(async () => picture);
  const saved = await picturesFor(conversations, {}, load);
  expect(saved.bob).toEqual({ path: "/files/bob", url: "data:image/png;base64,Qg==" });
  expect(load).toHaveBeenCalledTimes(2);
  const changed = { ...conversations, g: conversation("g", { kind: "group", lastMessage: from("bob", "/files/new") }) };
  expect(Object.keys(await picturesFor(changed, saved, load))).toEqual(expect.arrayContaining(["bob", "d"]));
  expect(load).toHaveBeenCalledTimes(3);
  expect(load).toHaveBeenLastCalledWith("/files/new");
});

it.each([
  ["an error", async () => new Blob(["{}"], { type: "application/json" })],
  ["a large picture", async () => new Blob([new Uint8Array(200_000)], { type: "image/png" })],
  ["no answer", async () => Promise.reject(new TypeError("no connection"))],
])("does without a picture where the server has %s", async (_, load) => {
  expect(await picturesFor(conversations, {}, load)).toEqual({});
});

it("the page and the service worker of one path share a record, and other paths have their own", async () => {
  const context = { userId: "alice", subscriptionId: "1", endpoint: "https://push.example/1", names: {}, pictures: {} };
  await new PushContextStore("https://chat.example/a/").write(context);
  expect(await new PushContextStore("https://chat.example/a/service_worker.js").read()).toEqual(context);
  expect(await new PushContextStore("https://chat.example/b/").read()).toBeUndefined();
  await new PushContextStore("https://chat.example/a/").clear();
  expect(await new PushContextStore("https://chat.example/a/service_worker.js").read()).toBeUndefined();
});
