import type { User } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { conversation, ME, member, message } from "../../clients/javascript/client/test/samples";
import type { Chat } from "../src/chat/chat";
import { mayWriteIn } from "../src/chat/conversations/writing";
import { forwardToAll } from "../src/chat/messages/forwarding";

const me: User = { id: ME, name: ME, createdAt: "" };
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
});

describe("forwarding", () => {
  const done: string[] = [];
  const chat = {
    people: { openDirect: async (id: string) => `with ${id}` },
    messages: {
      forward: async (id: string, [to]: string[]) => {
        if (to === "closed") throw new Error("You may not write here.");
        done.push(`${id} to ${to}`);
      },
    },
    talkwire: {
      call: async (_: string, { conversationId, content }: { conversationId: string; content: string }) => {
        if (conversationId === "slow") throw new Error("Wait.");
        done.push(`${content} to ${conversationId}`);
      },
    },
  } as unknown as Chat;

  it("goes on where one place refuses, opens conversations with people, and adds a comment", async () => {
    const targets = [
      { id: "closed", name: "Closed", isPerson: false },
      { id: "open", name: "Open", isPerson: false },
      { id: "slow", name: "Slow", isPerson: false },
      { id: "bob", name: "Bob", isPerson: true },
    ];
    const results = await forwardToAll(chat, message(1), targets, "Look");
    expect(results.map(({ conversationId, problem }) => [conversationId, problem])).toEqual([
      [null, "You may not write here."],
      ["open", ""],
      ["slow", "Wait."],
      ["with bob", ""],
    ]);
    expect(done.toSorted()).toEqual(["Look to open", "Look to with bob", "m1 to open", "m1 to slow", "m1 to with bob"]);
    done.length = 0;
    await forwardToAll(chat, message(1), targets.slice(1, 2), "");
    expect(done).toEqual(["m1 to open"]);
  });
});
