import { describe, expect, it } from "vitest";
import { neighbour } from "../src/chat/conversations/neighbours";
import { conversation } from "./samples";

const list = [
  conversation("a"),
  conversation("b", { unreadCount: 2 }),
  conversation("c", { unreadCount: 1, muted: true }),
  conversation("d", { unreadCount: 1 }),
];

describe("the next conversation", () => {
  it("is the one beside the open one", () => {
    expect(neighbour(list, "b", 1)?.id).toBe("c");
    expect(neighbour(list, "b", -1)?.id).toBe("a");
  });

  it("ends where the list ends", () => {
    expect(neighbour(list, "d", 1)).toBeUndefined();
    expect(neighbour(list, "a", -1)).toBeUndefined();
    expect(neighbour([], null, 1)).toBeUndefined();
  });

  it("is the first or the last one where none is open", () => {
    expect(neighbour(list, null, 1)?.id).toBe("a");
    expect(neighbour(list, null, -1)?.id).toBe("d");
  });

  it("of the unread ones leaves muted ones out and goes round", () => {
    expect(neighbour(list, "b", 1, true)?.id).toBe("d");
    expect(neighbour(list, "d", 1, true)?.id).toBe("b");
    expect(neighbour(list, "a", -1, true)?.id).toBe("d");
    expect(neighbour([conversation("a"), conversation("b", { unreadCount: 1 })], "b", 1, true)).toBeUndefined();
  });
});
