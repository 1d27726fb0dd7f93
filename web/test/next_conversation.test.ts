import { describe, expect, it } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import { nextConversation } from "../src/chat/conversations/next_conversation";

const list = [
  conversation("a"),
  conversation("b", { unreadCount: 2 }),
  conversation("c", { unreadCount: 1, muted: true }),
  conversation("d", { unreadCount: 1 }),
];

describe("the next conversation", () => {
  it("is beside the open one", () => {
    expect(nextConversation(list, "b", 1)?.id).toBe("c");
    expect(nextConversation(list, "b", -1)?.id).toBe("a");
  });

  it("follows the sections of the list, without archived ones", () => {
    const sections = [
      conversation("a"),
      conversation("b", { archived: true, unreadCount: 1 }),
      conversation("c", { favourite: true }),
      conversation("d", { favourite: true, archived: true }),
    ];
    expect(nextConversation(sections, null, 1)?.id).toBe("c");
    expect(nextConversation(sections, "c", 1)?.id).toBe("a");
    expect(nextConversation(sections, "a", 1)).toBeUndefined();
    expect(nextConversation(sections, "a", 1, true)).toBeUndefined();
    // An open one has neighbours.
    expect(nextConversation(sections, "b", -1)?.id).toBe("a");
  });

  it("is none at the end of the list", () => {
    expect(nextConversation(list, "d", 1)).toBeUndefined();
    expect(nextConversation(list, "a", -1)).toBeUndefined();
    expect(nextConversation([], null, 1)).toBeUndefined();
  });

  it("is the first or the last one when none is open", () => {
    expect(nextConversation(list, null, 1)?.id).toBe("a");
    expect(nextConversation(list, null, -1)?.id).toBe("d");
  });

  it("among unread ones skips muted ones and wraps around", () => {
    expect(nextConversation(list, "b", 1, true)?.id).toBe("d");
    expect(nextConversation(list, "d", 1, true)?.id).toBe("b");
    expect(nextConversation(list, "a", -1, true)?.id).toBe("d");
    expect(nextConversation([conversation("a"), conversation("b", { unreadCount: 1 })], "b", 1, true)).toBeUndefined();
  });
});
