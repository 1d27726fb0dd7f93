import { describe, expect, it } from "vitest";
import { blocksOf } from "../src/chat/markdown/blocks";
import { continuedList, type Format, formatted, isInFence, withoutSecondSign } from "../src/chat/writing/formatting";

/** Formats the part between the brackets `⟨⟩`, and returns the text with the selection afterwards. */
function formattedIn(format: Format, marked: string): string {
  const from = marked.indexOf("⟨");
  const to = marked.indexOf("⟩") - 1;
  const text = marked.replace("⟨", "").replace("⟩", "");
  const edit = formatted(format, text, from, to);
  const changed = text.slice(0, edit.from) + edit.insert + text.slice(edit.to);
  const [start, end] = edit.selection;
  return `${changed.slice(0, start)}⟨${changed.slice(start, end)}⟩${changed.slice(end)}`;
}

describe("the selection", () => {
  it.each<[Format, string, string]>([
    ["bold", "one ⟨two⟩ three", "one **⟨two⟩** three"],
    ["bold", "one **⟨two⟩** three", "one ⟨two⟩ three"],
    ["bold", "one ⟨**two**⟩ three", "one ⟨two⟩ three"],
    ["bold", "one ⟨two ⟩three", "one **⟨two⟩** three"],
    ["italic", "⟨⟩", "_⟨⟩_"],
    ["strike", "⟨two⟩", "~~⟨two⟩~~"],
    ["code", "⟨two⟩", "`⟨two⟩`"],
    ["codeBlock", "⟨a\nb⟩", "```\n⟨a\nb⟩\n```"],
    ["codeBlock", "see ⟨a⟩ there", "see \n```\n⟨a⟩\n```\n there"],
    ["codeBlock", "```\n⟨a\nb⟩\n```", "⟨a\nb⟩"],
    ["quote", "a\nb⟨b\nc⟩c\nd", "a\n⟨> bb\n> cc⟩\nd"],
    ["quote", "⟨> a\n> b⟩", "⟨a\nb⟩"],
    ["list", "⟨⟩", "- ⟨⟩"],
    ["list", "a\n⟨- b⟩", "a\n⟨b⟩"],
    ["link", "see ⟨the page⟩.", "see [the page](⟨https://⟩)."],
    ["link", "⟨https://example.com/⟩", "[⟨⟩](https://example.com/)"],
    ["link", "⟨⟩", "[⟨⟩](https://)"],
  ])("is formatted as %s: %j", (format, before, expected) => {
    expect(formattedIn(format, before)).toBe(expected);
  });

  it.each<[Format, string, string]>([
    ["bold", "a ⟨b⟩ c", "bold"],
    ["italic", "a ⟨b⟩ c", "italic"],
    ["strike", "a ⟨b⟩ c", "struck"],
    ["code", "a ⟨b⟩ c", "code"],
    ["codeBlock", "a ⟨b⟩ c", "code"],
    ["quote", "⟨b⟩", "quote"],
    ["list", "⟨b⟩", "list"],
  ])("becomes what the message shows as %s", (format, before, kind) => {
    const kinds = blocksOf(formattedIn(format, before).replace(/[⟨⟩]/g, "")).flatMap((block) =>
      block.kind === "text" ? block.inside.map((part) => part.kind as string) : [block.kind],
    );
    expect(kinds).toContain(kind);
  });
});

describe("a new line", () => {
  /** Returns the text after it, with the caret as `|`; null where it is an ordinary one. */
  const continued = (marked: string) => {
    const caret = marked.indexOf("|");
    const edit = continuedList(marked.replace("|", ""), caret);
    return edit && `${marked.slice(0, edit.from)}${edit.insert}|${marked.slice(caret + 1)}`;
  };

  it.each([
    ["- milk|", "- milk\n- |"],
    ["eggs:\n  * milk|", "eggs:\n  * milk\n  * |"],
    ["9. milk| and more", "9. milk\n10. | and more"],
    ["1) milk|", "1) milk\n2) |"],
    ["- milk\n- |", "- milk\n|"],
    ["3. |\nend", "|\nend"],
    ["milk|", null],
    ["-milk|", null],
    ["- milk\nmore|", null],
    ["```\n- milk|", null],
  ])("after %j", (marked, wanted) => expect(continued(marked)).toBe(wanted));

  it.each([
    ["- milk\n- -|", "- milk\n- |"],
    ["eggs:\n  * milk\n  * *|", "eggs:\n  * milk\n  * |"],
    ["1. milk\n2. 2.|", "1. milk\n2. |"],
    ["- milk\n- a -|", null],
    ["- milk\n\n- -|", null],
    ["- -|", null],
    ["milk\n- -|", null],
  ])("needs no second sign: %j", (marked, wanted) => {
    const caret = marked.indexOf("|");
    const edit = withoutSecondSign(marked.replace("|", ""), caret);
    expect(edit && `${marked.slice(0, edit.from)}${edit.insert}|${marked.slice(caret + 1)}`).toBe(wanted);
  });

  it("is one within a block of code, from its opening line on", () => {
    expect(["```", "see\n```js", "```\na = 1\n"].map(isInFence)).toEqual([true, true, true]);
    expect(["`a`", "```\na\n```", "```a```", "a ```"].map(isInFence)).toEqual([false, false, false, false]);
  });
});
