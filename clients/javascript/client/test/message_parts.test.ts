import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { isAsWanted, type MessageChange, withChanges } from "../src/messages/changes.ts";
import { contentOf, type MessagePart, textOrParts, withoutQuotesOf } from "../src/messages/message_parts.ts";
import { ME, message } from "./samples.ts";

const text = (of: string): MessagePart => ({ type: "text", text: of });
const TOOL: MessagePart = { type: "tool", toolCallId: "1", name: "search", state: "output-available", output: [1] };
const QUOTE: MessagePart = { type: "source", messageId: "7", quote: "a secret" };

describe("the content of a message with parts", () => {
  it.each<[string, MessagePart[]]>([
    ["a\n\nb", [text("a"), TOOL, text(" "), text("b")]],
    ["search, Buy, https://example.com/", [TOOL, plan("Buy"), { type: "source", url: "https://example.com/" }]],
    ["one, two", [plan()]],
    ["chart", [{ type: "data", name: "chart", value: null }, QUOTE]],
    ["", [{ type: "reasoning", text: "hm" }]],
  ])("is %j", (content, parts) => {
    expect(contentOf(parts)).toBe(content);
  });

  it("is sent as parts, where another text replaces all texts", () => {
    expect(textOrParts("a")).toEqual({ content: "a" });
    expect(textOrParts("a\n\nb", [text("a"), TOOL, text("b")])).toEqual({ parts: [text("a"), TOOL, text("b")] });
    expect(textOrParts("c", [TOOL, text("a"), QUOTE, text("b")])).toEqual({ parts: [TOOL, text("c"), QUOTE] });
    expect(textOrParts("c", [TOOL])).toEqual({ parts: [text("c"), TOOL] });
  });
});

describe("an edit that is not stored yet", () => {
  const shown = (before: object, edit: object) => {
    const change = { kind: "edit", messageId: "m1", ...edit } as MessageChange;
    const after = withChanges(message(1, before), [{ change, problem: null }], ME);
    expect(isAsWanted(after, change, ME)).toBe(true);
    expect(isAsWanted(message(1, before), change, ME)).toBe(false);
    return after;
  };

  it("with parts replaces text and parts", () => {
    expect(shown({}, { parts: [text("a"), TOOL] })).toEqual(message(1, { content: "a", parts: [text("a"), TOOL] }));
    expect(shown({ parts: [TOOL, text("b")] }, { parts: [text("c")] })).toEqual(message(1, { content: "c" }));
  });

  it("with a text keeps the parts that are no texts", () => {
    const before = { content: "a", parts: [text("a"), TOOL] };
    expect(shown(before, { content: "b" })).toEqual(message(1, { content: "b", parts: [text("b"), TOOL] }));
  });
});

it("a source loses its quote when that message is deleted", () => {
  const before = message(1, { parts: [text("a"), QUOTE] });
  const { quote: _, ...left } = QUOTE as Extract<MessagePart, { type: "source" }>;
  expect(withoutQuotesOf(before, "7").parts).toEqual([text("a"), left]);
  expect(withoutQuotesOf(before, "8")).toBe(before);
});

function plan(title?: string): MessagePart {
  const tasks = ["one", "two"].map((each) => ({ id: each, title: each, status: "pending" as const }));
  return { type: "plan", tasks, ...(title !== undefined && { title }) };
}
