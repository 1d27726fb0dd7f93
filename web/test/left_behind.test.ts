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

const gone = new RequestError({ code: "forbidden", message: "No." });

/** A page whose reader is in one conversation, and has written in another one that is gone. `writtenIn`: was there. */
async function page(writtenIn: readonly string[] = []) {
  const nothing = { getItem: () => null } as unknown as Storage;
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const none = () => undefined;
  const listener = { opened: none, lost: none, unreachable: none, ended: none };
  const core = new PageCore(api, { id: ME, name: "me", createdAt: "", kind: "person" }, listener);
  const known = ["here", ...writtenIn].map((id) => [id, conversation(id, { name: `The ${id}` })]);
  core.state.setState({ conversations: Object.fromEntries(known) });
  const stores = storesIn(new MemoryStorage());
  const uploads = new Uploads(core, stores.uploads);
  const messages = new PageMessages(core, uploads, stores.outbox);
  const left = new LeftBehindWriting(core, messages, uploads);
  const call = vi.spyOn(core, "call").mockReturnValue(new Promise(() => undefined));
  messages.started();
  await messages.restored;
  messages.connected();
  await messages.send({ conversationId: "gone", content: "A message" });
  messages.drafts.save("gone thread", "A draft in a thread");
  messages.drafts.save("here", "A draft");
  const stored = async () => (await stores.outbox.read(ME)).map(({ content }) => content);
  core.state.setState({ conversations: { here: conversation("here") } });
  return { core, call, messages, stored, left };
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
  get.mockRejectedValueOnce(gone);
  await left.find();
  expect(get.mock.calls).toEqual([["conversations/gone"], ["conversations/gone"]]);
  expect(core.now.leftBehind.map(({ conversationId }) => conversationId)).toEqual(["gone"]);
});

it("what was left while the page was closed has the name that its conversation had when it was written", async () => {
  await page(["gone"]);
  const { core, left } = await page();
  vi.spyOn(core.api, "get").mockRejectedValue(gone);
  await left.find();
  expect(core.now.leftBehind.map(({ name }) => name)).toEqual(["The gone"]);
});

it("a name is removed with what was written, with the user, and when nothing is left", async () => {
  const names = () =>
    Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index)).filter((key) =>
      key?.startsWith("talkwire.name."),
    );
  const { core, messages, left } = await page(["gone", "done"]);
  vi.spyOn(core.api, "get").mockRejectedValue(gone);
  core.state.setState({ conversations: { here: conversation("here"), done: conversation("done") } });
  messages.drafts.save("done", "Done soon");
  messages.drafts.save("done", "");
  expect(names()).toEqual([`talkwire.name.${ME}/gone`, `talkwire.name.${ME}/here`, `talkwire.name.${ME}/done`]);
  await left.find();
  expect(names()).toEqual([`talkwire.name.${ME}/gone`, `talkwire.name.${ME}/here`]);
  left.discard("gone");
  expect(names()).toEqual([`talkwire.name.${ME}/here`]);
  messages.drafts.save("done", "Done soon");
  messages.drafts.save("done", "");
  left.forgetNames(false);
  expect(names()).toEqual([`talkwire.name.${ME}/here`]);
  left.forgetNames(true);
  expect(names()).toEqual([]);
});

it("what was left stays where the reader is a member again", async () => {
  const { core, messages, left } = await page(["gone"]);
  left.show("gone", "Group");
  core.state.setState({ conversations: { ...core.now.conversations, gone: conversation("gone", { name: "Group" }) } });
  expect(core.now.leftBehind).toEqual([]);
  expect(core.now.toast?.text).toBe("You are in Group again. What you have written there is kept.");
  expect(messages.drafts.peek("gone thread")).toBe("A draft in a thread");
  expect(messages.outbox.getState()).toHaveLength(1);
});
