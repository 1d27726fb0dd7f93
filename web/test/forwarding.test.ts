import type { Message, User } from "@talkwire/client";
import { beforeEach, describe, expect, it } from "vitest";
import { conversation, ME, member, message } from "../../clients/javascript/client/test/samples";
import type { Chat } from "../src/chat/chat";
import { mayWriteIn } from "../src/chat/conversations/writing";
import { Forwarding, type ForwardTarget } from "../src/chat/messages/forwarding";

const me: User = { id: ME, name: ME, createdAt: "", kind: "person" };
const NOBODY: ReadonlySet<string> = new Set();

describe("a message may be forwarded", () => {
  it.each([
    ["a group", conversation("c"), true],
    ["a channel of others", conversation("c", { kind: "channel" }), false],
    ["an own channel", conversation("c", { kind: "channel", ownerId: ME }), true],
    ["a channel as an admin", conversation("c", { kind: "channel", members: [member(ME, { role: "admin" })] }), true],
    ["a conversation that mutes the reader", conversation("c", { mutedByModerator: {} }), false],
  ])("to %s where the reader may write", (_, where, expected) => {
    expect(mayWriteIn(where, me, NOBODY)).toBe(expected);
  });

  it("not to a blocked user", () => {
    const direct = conversation("c", { kind: "direct", members: [member(ME), member("bob")] });
    expect(mayWriteIn(direct, me, NOBODY)).toBe(true);
    expect(mayWriteIn(direct, me, new Set(["bob"]))).toBe(false);
  });

  it("not to a user whose account was deleted, but to a group with them", () => {
    const members = [member(ME), member("bob", { erased: true })];
    expect(mayWriteIn(conversation("c", { kind: "direct", members }), me, NOBODY)).toBe(false);
    expect(mayWriteIn(conversation("c", { members }), me, NOBODY)).toBe(true);
  });
});

describe("forwarding", () => {
  const done: string[] = [];
  /** What the server does not answer, although it has done it. */
  const unanswered = new Set<string>();
  const names = new Map<string, string>();
  const refused = new Map<string, string>();

  /** Does what was sent, once for each name, as the server does. */
  const carryOut = (what: string, name: string, refusal: string | undefined): void => {
    if (refusal !== undefined) throw new Error(refusal);
    if (names.get(name) === undefined) done.push(what);
    names.set(name, what);
    if (unanswered.delete(what)) throw new Error("The server cannot be reached.");
  };
  let stored: () => Promise<Message> = async () => message(1);
  const opened: string[] = [];
  const openDirect = async (id: string): Promise<string> => {
    opened.push(id);
    return `with ${id}`;
  };
  const chat = {
    people: { openDirect },
    dialogMessage: { load: () => stored() },
    messages: {
      forward: async (id: string, [to]: string[], key: string) =>
        carryOut(`${id} to ${to}`, key, refused.get(`message to ${to}`)),
    },
    client: {
      core: {
        call: async (_: string, sent: { conversationId: string; content: string; clientMessageId: string }) => {
          const { conversationId: to, content, clientMessageId } = sent;
          carryOut(`${content} to ${to}`, clientMessageId, refused.get(`comment to ${to}`));
        },
      },
    },
  } as unknown as Chat;
  const targets = [
    { id: "closed", name: "Closed", isPerson: false },
    { id: "open", name: "Open", isPerson: false },
    { id: "slow", name: "Slow", isPerson: false },
    { id: "bob", name: "Bob", isPerson: true },
  ];
  beforeEach(() => {
    done.length = opened.length = 0;
    stored = async () => message(1);
    refused.clear();
    refused.set("message to closed", "You may not write here.").set("comment to slow", "Wait.");
  });

  it("goes on where one place refuses, opens conversations with people, and adds a comment", async () => {
    const results = await new Forwarding(chat).toAll(message(1), targets, "Look");
    expect(results?.map(({ conversationId, isForwarded, problem }) => [conversationId, isForwarded, problem])).toEqual([
      ["closed", false, "You may not write here."],
      ["open", true, ""],
      ["slow", true, "Wait."],
      ["with bob", true, ""],
    ]);
    expect(done.toSorted()).toEqual(["Look to open", "Look to with bob", "m1 to open", "m1 to slow", "m1 to with bob"]);
    done.length = 0;
    await new Forwarding(chat).toAll(message(1), targets.slice(1, 2), "");
    expect(done).toEqual(["m1 to open"]);
  });

  it("sends only what is missing when it is tried again", async () => {
    const forwarding = new Forwarding(chat);
    await forwarding.toAll(message(1), targets, "Look");
    refused.clear();
    done.length = 0;
    const results = await forwarding.toAll(message(1), [targets[0], targets[2]] as ForwardTarget[], "Look");
    expect(results?.every(({ problem }) => problem === "")).toBe(true);
    expect(done.toSorted()).toEqual(["Look to closed", "Look to slow", "m1 to closed"]);
  });

  it.each(["m1 to open", "Look to open"])("sends nothing twice when the answer to %s is lost", async (lost) => {
    const forwarding = new Forwarding(chat);
    unanswered.add(lost);
    const [first] = (await forwarding.toAll(message(1), targets.slice(1, 2), "Look")) ?? [];
    expect(first?.problem).toBe("The server cannot be reached.");
    const [second] = (await forwarding.toAll(message(1), targets.slice(1, 2), "Look")) ?? [];
    expect(second?.problem).toBe("");
    expect(done).toEqual(["m1 to open", "Look to open"]);
  });

  it("sends a comment that was changed meanwhile as another message", async () => {
    const forwarding = new Forwarding(chat);
    unanswered.add("Look to open");
    await forwarding.toAll(message(1), targets.slice(1, 2), "Look");
    await forwarding.toAll(message(1), targets.slice(1, 2), "Look here");
    expect(done).toEqual(["m1 to open", "Look to open", "Look here to open"]);
  });

  it.each([
    ["edited", message(1, { content: "Something else" })],
    ["deleted", message(1, { deletedAt: "2026-01-01T00:00:00Z" })],
  ])("sends nothing that the reader does not see, and opens no conversation: %s", async (_, now) => {
    stored = async () => now;
    expect(await new Forwarding(chat).toAll(message(1), targets, "Look")).toBeNull();
    expect([done, opened]).toEqual([[], []]);
  });

  it("opens no conversation for a message that cannot be loaded", async () => {
    stored = async () => {
      throw new Error("This does not exist.");
    };
    const results = await new Forwarding(chat).toAll(message(1), targets, "Look");
    expect(results?.map(({ problem }) => problem)).toEqual(targets.map(() => "This does not exist."));
    expect([done, opened]).toEqual([[], []]);
  });
});
