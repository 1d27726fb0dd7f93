import type { Member } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { member as memberOf } from "../../clients/javascript/client/test/samples";
import {
  closedEmojiAt,
  emojiChoices,
  insertionOf,
  mentionChoices,
  queryAt,
  staysClosed,
} from "../src/chat/writing/completion";
import { toggled } from "../src/chat/writing/formatting";
import { mentionedUsers, spellingOf, splitAtMentions } from "../src/chat/writing/mentions";

const member = (userId: string, name = userId): Member => memberOf(userId, { name });
const at = (text: string) => queryAt(text, text.length);

describe("the query before the caret", () => {
  it("is a mention from the @ on, with spaces inside but not at its end", () => {
    expect(at("hi @")).toEqual({ kind: "mention", from: 3, text: "" });
    expect(at("hi @Ann L")).toEqual({ kind: "mention", from: 3, text: "Ann L" });
    expect(at("hi @Ann ")).toBeNull();
    expect(at("(@bo")).toEqual({ kind: "mention", from: 1, text: "bo" });
    expect(at("ä@bo")).toBeNull();
  });

  it("is none in an address, in code, or on another line", () => {
    for (const text of ["ann@example", "https://x.y/@bo", "`@bo", "@bo\nmore"]) expect(at(text)).toBeNull();
    expect(at("`code` @bo")?.text).toBe("bo");
  });

  it("is an emoji after two characters", () => {
    expect(at(":s")).toBeNull();
    expect(at("so :smi")).toEqual({ kind: "emoji", from: 3, text: "smi" });
    expect(at("@bob and :smi")).toEqual({ kind: "emoji", from: 9, text: "smi" });
    expect(at("10:30")).toBeNull();
    expect(at("http://x:80")).toBeNull();
  });

  it("ends at the caret", () => {
    expect(queryAt("@bob and so on", 3)).toEqual({ kind: "mention", from: 0, text: "bo" });
  });
});

describe("suggestions that were closed", () => {
  const stays = (text: string, from: number, isTyped = true) => staysClosed(text, text.length, from, isTyped);

  it("stay closed for the word, also while it is shortened", () => {
    expect(stays("hi @tom", 3)).toBe(true);
    expect(stays("hi @", 3, false)).toBe(true);
    expect(stays(":s", 0, false)).toBe(true);
  });

  it("open again with another word, and with a sign that is typed in the same place", () => {
    expect(stays("hi @tom ", 3)).toBe(false);
    expect(stays("hi ", 3, false)).toBe(false);
    expect(stays("hi", 3, false)).toBe(false);
    expect(stays("@", 0)).toBe(false);
    expect(stays(":", 0)).toBe(false);
    expect(stays("all", 0)).toBe(false);
  });
});

describe("suggested members", () => {
  const members = [member("1", "Ann Lee"), member("2", "Lea Ann"), member("ann", "Zoe"), member("4", "Bob")];

  it("are those whose name starts with the query, then any word of it, then the id, then everyone", () => {
    const labels = (query: string) => mentionChoices(query, members, "Everybody").map(({ label }) => label);
    expect(labels("ann")).toEqual(["Ann Lee", "Lea Ann", "Zoe"]);
    expect(labels("ANN L")).toEqual(["Ann Lee"]);
    expect(labels("")).toEqual(["Ann Lee", "Bob", "Lea Ann", "Zoe", "@all"]);
    expect(labels("al")).toEqual(["@all"]);
    for (const word of ["everyone", "every", "chan", "here"]) expect(labels(word)).toEqual(["@all"]);
    expect(labels("nobody")).toEqual([]);
  });

  it("are found without accents", () => {
    const labels = mentionChoices("jose", [member("5", "Jos\u00e9 Pe\u00f1a"), member("6", "Ann")], null).map(
      ({ key }) => key,
    );
    expect(labels).toEqual(["5"]);
  });

  it("do not include everyone in a direct conversation", () => {
    expect(mentionChoices("a", members, null).map(({ key }) => key)).not.toContain("all");
  });

  it("do not include those whose account was deleted", () => {
    const gone = memberOf("5", { name: "Deleted user", erased: true });
    expect(mentionChoices("", [...members, gone], null).map(({ key }) => key)).not.toContain("5");
  });

  it("are inserted with a space after them, where none follows", () => {
    const [choice] = mentionChoices("bo", members, null);
    if (choice === undefined) throw new Error("nobody is offered");
    expect(insertionOf(choice, "hi @bo", 6)).toBe("@Bob ");
    expect(insertionOf(choice, "hi @bo there", 6)).toBe("@Bob");
  });
});

describe("a member with a handle", () => {
  const ann = memberOf("1", { name: "Ann Lee", handle: "ann.lee" });
  const other = memberOf("2", { name: "Ann Lee" });

  it("is found by it and shown with it", () => {
    expect(mentionChoices("ann.l", [ann, other], null)).toEqual([
      { key: "1", label: "Ann Lee", hint: "@ann.lee", insert: "@ann.lee", userId: "1" },
    ]);
    expect(mentionChoices("lee", [ann], null)[0]).toMatchObject({ hint: "@ann.lee", insert: "@Ann Lee" });
  });

  it("is mentioned by it where the name is not theirs alone", () => {
    expect(spellingOf(ann, [ann, other])).toBe("ann.lee");
    expect(spellingOf(memberOf("3", { name: "Ann.Lee" }), [ann])).toBe("3");
  });

  it("is marked in texts", () => {
    const users = mentionedUsers({ mentions: ["1"] }, [ann]);
    expect(splitAtMentions("Hi @Ann.Lee!", users)).toContainEqual({ text: "@Ann.Lee", userId: "1" });
  });
});

describe("a member's spelling", () => {
  it("is the name, or the id where the server would not find the name or would find two", () => {
    const spelled = (name: string, ...others: Member[]) =>
      spellingOf(member("id", name), [member("id", name), ...others]);
    expect(spelled("Ann Marie Lee")).toBe("Ann Marie Lee");
    expect(spelled("<img src=x>")).toBe("<img src=x>");
    for (const name of ["a`b", " x", "@x", "a\nb", "1 2 3 4 5 6 7", "x".repeat(150)]) expect(spelled(name)).toBe("id");
    expect(spelled("Ann", member("2", "ANN"))).toBe("id");
    expect(spelled("Ann", member("Ann", "Bob"))).toBe("id");
  });
});

describe("emoji", () => {
  const emoji = [
    { emoji: "😏", codes: ["smirk"] },
    { emoji: "😄", codes: ["smile"] },
    { emoji: "😺", codes: ["smiley_cat"] },
    { emoji: "🔥", codes: ["fire"] },
  ].map((each) => ({ label: "", group: 0, version: 1, tags: [], ...each }));

  it("are suggested by their codes, the shortest that starts with the query first", () => {
    expect(emojiChoices("smi", emoji).map(({ insert }) => insert)).toEqual(["😏", "😄", "😺"]);
    expect(emojiChoices("smile", emoji).map(({ label }) => label)).toEqual([":smile:", ":smiley_cat:"]);
    expect(emojiChoices("cat", emoji).map(({ insert }) => insert)).toEqual(["😺"]);
  });

  it("are found by the words of the reader's language, after those found by their codes", () => {
    const [first, ...others] = emoji;
    const german =
      first === undefined ? [] : [{ ...first, label: "süffisant lächelndes Gesicht", tags: ["cat"] }, ...others];
    expect(at("so :süff")).toEqual({ kind: "emoji", from: 3, text: "süff" });
    expect(emojiChoices("süff", german)).toMatchObject([{ insert: "😏", label: "süffisant lächelndes Gesicht" }]);
    expect(emojiChoices("cat", german).map(({ insert }) => insert)).toEqual(["😺", "😏"]);
  });

  it("are completed by a second colon, and not in code", () => {
    const closed = (text: string) => closedEmojiAt(text, text.length);
    expect(closed("so :Tada:")).toEqual({ from: 3, code: "tada" });
    expect(["so `:tada:", "10:30:", "so :tada: ", ":t:"].map(closed)).toEqual([null, null, null, null]);
  });
});

describe("mentions in a text", () => {
  const users = [
    { userId: "1", spellings: ["Ann", "1"] },
    { userId: "2", spellings: ["Ann Lee", "2"] },
    { userId: "all", spellings: ["all"] },
  ];
  const marked = (text: string) =>
    splitAtMentions(text, users)
      .filter(({ userId }) => userId !== undefined)
      .map((part) => `${part.text}=${part.userId}`);

  it("are the longest that match, ignoring case", () => {
    expect(splitAtMentions("hi @ann lee!", users)).toEqual([
      { text: "hi " },
      { text: "@ann lee", userId: "2" },
      { text: "!" },
    ]);
    expect(marked("@Ann and @all")).toEqual(["@Ann=1", "@all=all"]);
  });

  it("end where a word ends, and start where none continues", () => {
    expect(marked("@Anna @ann-marie @ann.lee a@ann x/@ann @ann. @ann, @ann's")).toEqual(["@ann=1", "@ann=1", "@ann=1"]);
  });

  it("are only of users whom the server found", () => {
    expect(splitAtMentions("@bob", users)).toEqual([{ text: "@bob" }]);
    expect(splitAtMentions("@ann", [])).toEqual([{ text: "@ann" }]);
  });

  it("are of the members that a message names", () => {
    expect(mentionedUsers({ mentions: ["1", "gone"], mentionsAll: true }, [member("1", "Ann")])).toEqual([
      { userId: "1", spellings: ["Ann"] },
      { userId: "gone", spellings: [] },
      { userId: "all", spellings: ["all"] },
    ]);
  });

  it("are whole when who is named has left, or not marked", () => {
    const left = (names: Record<string, string>, text: string) =>
      splitAtMentions(text, mentionedUsers({ mentions: ["tomas"] }, [], new Map(Object.entries(names))));
    expect(left({ tomas: "Tomas Reyes" }, "@Tomas Reyes urgent")).toEqual([
      { text: "@Tomas Reyes", userId: "tomas" },
      { text: " urgent" },
    ]);
    expect(left({}, "@Tomas Reyes urgent")).toEqual([{ text: "@Tomas Reyes urgent" }]);
    expect(left({}, "@tomas urgent")).toEqual([{ text: "@tomas", userId: "tomas" }, { text: " urgent" }]);
  });
});

describe("formatting", () => {
  const apply = (text: string, from: number, to: number, sign: string) => {
    const edit = toggled(text, from, to, sign);
    const after = text.slice(0, edit.from) + edit.insert + text.slice(edit.to);
    return [after, after.slice(...edit.selection)];
  };

  it("adds markers around the selection, and removes them again", () => {
    expect(apply("so bold here", 3, 7, "**")).toEqual(["so **bold** here", "bold"]);
    expect(apply("so **bold** here", 5, 9, "**")).toEqual(["so bold here", "bold"]);
    expect(apply("so **bold** here", 3, 11, "**")).toEqual(["so bold here", "bold"]);
  });

  it("starts at the caret without a selection", () => {
    expect(apply("a ", 2, 2, "`")).toEqual(["a ``", ""]);
    expect(toggled("a ", 2, 2, "`").selection).toEqual([3, 3]);
  });
});
