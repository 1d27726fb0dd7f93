import { RequestError } from "@talkwire/client";
import { MemoryStorage, storesIn, Uploads } from "@talkwire/client/parts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { conversation, ME } from "../../clients/javascript/client/test/samples";
import { LeftBehindWriting } from "../src/chat/messages/left_behind";
import { PageMessages } from "../src/chat/messages/page_messages";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";
import { memoryStorage } from "./memory_storage";
import { eventually } from "./waiting";

beforeEach(() => {
  const storage = memoryStorage();
  vi.stubGlobal("localStorage", storage);
  vi.stubGlobal("sessionStorage", storage);
  vi.stubGlobal("addEventListener", () => undefined);
});
afterEach(() => void vi.unstubAllGlobals());

/** A page whose reader is in one conversation, and has written in another one that is gone. */
async function page() {
  const nothing = { getItem: () => null } as unknown as Storage;
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const none = () => undefined;
  const listener = { opened: none, lost: none, unreachable: none, ended: none };
  const core = new PageCore(api, { id: ME, name: "me", createdAt: "" }, listener);
  core.state.setState({ conversations: { here: conversation("here") } });
  const stores = storesIn(new MemoryStorage());
  const uploads = new Uploads(core, stores.uploads);
  const messages = new PageMessages(core, uploads, stores.outbox);
  const call = vi.spyOn(core, "call").mockReturnValue(new Promise(() => undefined));
  messages.started();
  await messages.restored;
  messages.connected();
  await messages.send({ conversationId: "gone", content: "A message" });
  messages.drafts.save("gone thread", "A draft in a thread");
  messages.drafts.save("here", "A draft");
  const stored = async () => (await stores.outbox.read(ME)).map(({ content }) => content);
  return { core, call, messages, stored, left: new LeftBehindWriting(core, messages, uploads) };
}

it("everything of a conversation is discarded, also a message that is being sent", async () => {
  const { core, call, messages, stored, left } = await page();
  left.show("gone", "Group");
  expect(call).toHaveBeenCalledOnce();
  expect(core.now.leftBehind).toEqual([
    { conversationId: "gone", name: "Group", texts: ["A message", "A draft in a thread"], files: [] },
  ]);
  left.discard("gone");
  expect(core.now.leftBehind).toEqual([]);
  expect(messages.outbox.getState()).toEqual([]);
  expect([...messages.drafts.places()]).toEqual(["here"]);
  await eventually(async () => expect(await stored()).toEqual([]));
});

it("what was left while the page was closed is found, once the server says that the conversation is gone", async () => {
  const { core, left } = await page();
  const get = vi.spyOn(core.api, "get").mockRejectedValueOnce(new RequestError({ code: "unreachable", message: "" }));
  await left.find();
  expect(core.now.leftBehind).toEqual([]);
  get.mockRejectedValueOnce(new RequestError({ code: "forbidden", message: "No." }));
  await left.find();
  expect(get.mock.calls).toEqual([["conversations/gone"], ["conversations/gone"]]);
  expect(core.now.leftBehind.map(({ conversationId }) => conversationId)).toEqual(["gone"]);
});
