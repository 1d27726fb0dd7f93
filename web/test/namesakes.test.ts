import type { Conversation, Member } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { distinctNames, handleOf, namesakeHandle } from "../src/chat/people/namesakes";

const member = (userId: string, name: string, handle?: string) =>
  ({ userId, name, ...(handle && { handle }) }) as Member;

describe("namesakes", () => {
  const conversations = Object.fromEntries(
    [[member("1", "Nora", "nora"), member("2", "Ben", "ben")], [member("3", "nora")], undefined].map((members, id) => [
      id,
      { members } as Conversation,
    ]),
  );
  const shown = (id: string, name: string) => namesakeHandle(conversations, id, name);

  it("have their handles, or their ids, beside their names", () => {
    expect([shown("1", "Nora"), shown("3", "nora"), shown("unknown", "Ben")]).toEqual(["nora", "3", "unknown"]);
  });

  it("are told apart in sentences", () => {
    const names = { "1": "Nora", "2": "Ben", "3": "nora" };
    expect(distinctNames(conversations, names)).toEqual({ "1": "Nora @nora", "2": "Ben", "3": "nora @3" });
  });

  it("are not users whose name nobody else has", () => {
    expect([shown("2", "Ben"), shown("4", "Carla")]).toEqual([undefined, undefined]);
  });

  it("need no handles once their accounts are deleted", () => {
    const left = { one: { members: [member("1", "Deleted user"), member("2", "Deleted user")] } as Conversation };
    expect([namesakeHandle(left, "1", "Deleted user"), namesakeHandle(left, "3", "Deleted user")]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("follow the state", () => {
    expect(shown("2", "Ben")).toBeUndefined();
    expect(namesakeHandle({ "0": { members: [member("4", "Ben")] } as Conversation }, "2", "Ben")).toBe("2");
  });

  it("show their ids in a list where no handle is known", () => {
    const [one, other] = [
      { id: "1", name: "Nora" },
      { id: "2", name: "nora" },
    ];
    expect([handleOf(one, [one, other]), handleOf(one, [one]), handleOf({ ...one, handle: "n" }, [])]).toEqual([
      "1",
      undefined,
      "n",
    ]);
  });
});
