import { beforeEach, expect, it, vi } from "vitest";
import type { Composing } from "../src/chat/page_core";
import { Drafts } from "../src/chat/writing/drafts";
import { memoryStorage } from "./memory_storage";

let storage: Storage;
/** The tabs of one browser, in which a user is signed in. */
let tabs: Drafts[];
let isSignedIn: boolean;
let isShown: boolean;
const followed = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  const memory = memoryStorage();
  const announce = (key: string, writer: unknown): void => {
    for (const tab of tabs) if (tab !== writer) tab.changed({ key });
  };
  storage = memory;
  tabs = [];
  isSignedIn = isShown = true;
  followed.mockClear();
  // Browsers announce changes to the other tabs only.
  announceTo = (writer) =>
    ({
      ...memory,
      get length() {
        return memory.length;
      },
      setItem: (key: string, value: string) => {
        memory.setItem(key, value);
        announce(key, writer());
      },
      removeItem: (key: string) => {
        memory.removeItem(key);
        announce(key, writer());
      },
    }) as Storage;
});

let announceTo: (writer: () => Drafts) => Storage;

function tab(name: string, userId = "ann"): Drafts {
  const drafts: Drafts = new Drafts(userId, {
    tab: name,
    storage: announceTo(() => drafts),
    isSignedIn: () => isSignedIn,
    isShown: () => isShown,
    onChange: followed,
  });
  tabs.push(drafts);
  return drafts;
}

/** The tab after a reload. */
function reloaded(drafts: Drafts, name: string): Drafts {
  tabs = tabs.filter((each) => each !== drafts);
  return tab(name);
}

const message = { id: "m1", conversationId: "c", content: "Helo" } as Composing["message"];

it("what another tab sends leaves the draft of a tab alone", () => {
  const [one, two] = [tab("1"), tab("2")];
  one.follow("c", () => undefined);
  expect(one.open("c")).toBe("");
  one.save("c", "A long draft");
  two.open("c");
  two.save("c", "x");
  two.save("c", "");
  expect(reloaded(one, "1").open("c")).toBe("A long draft");
});

it("each of two tabs shows its own draft after a reload", () => {
  const [one, two] = [tab("1"), tab("2")];
  one.save("c", "one");
  two.save("c", "two");
  expect([reloaded(one, "1").open("c"), reloaded(two, "2").open("c")]).toEqual(["one", "two"]);
});

it("a tab without a text gets the newest one, and sending it removes it", () => {
  const [one, two] = [tab("1"), tab("2")];
  one.save("c", "older");
  vi.advanceTimersByTime(10);
  two.save("c", "newer");
  tabs = [];
  const three = tab("3");
  expect(three.open("c")).toBe("newer");
  three.save("c", "newer and longer");
  three.save("c", "");
  expect(three.current("c")).toBe("");
  expect(tab("4").open("c")).toBe("older");
});

it("a tab follows the others until its reader writes", () => {
  const [one, two] = [tab("1"), tab("2")];
  const seen: string[] = [];
  two.open("c");
  two.follow("c", () => seen.push(two.current("c")));
  one.save("c", "H");
  one.save("c", "Hi");
  one.save("c", "");
  expect(seen).toEqual(["H", "Hi", ""]);
  two.save("c", "mine");
  one.save("c", "other");
  two.save("c", "");
  one.save("c", "others");
  expect(seen).toEqual(["H", "Hi", ""]);
});

it("a text that is on the screen stays saved when another tab clears it", () => {
  const [one, two] = [tab("1"), tab("2")];
  one.follow("c", () => undefined);
  one.save("c", "written here");
  expect(two.open("c")).toBe("written here");
  two.save("c", "");
  expect(two.current("c")).toBe("");
  expect(reloaded(one, "1").open("c")).toBe("written here");
});

it("a text that is on the screen is gone when another tab has sent it", () => {
  const [one, two] = [tab("1"), tab("2")];
  const seen: string[] = [];
  one.follow("c", () => seen.push(one.current("c")));
  one.save("c", "written here ");
  two.open("c");
  two.save("c", "");
  one.sentElsewhere("c", "something else");
  expect(seen).toEqual([]);
  one.sentElsewhere("c", "written here");
  expect(seen).toEqual([""]);
  expect(reloaded(one, "1").open("c")).toBe("");
});

it("a text that the reader continues in another tab is shown in both, and gone when it was sent", () => {
  const [one, two] = [tab("1"), tab("2")];
  let shown = "";
  one.open("c");
  one.follow("c", () => {
    shown = one.current("c");
  });
  one.save("c", "see you at nien");
  vi.advanceTimersByTime(1);
  expect(two.open("c")).toBe("see you at nien");
  two.save("c", "see you at ni");
  vi.advanceTimersByTime(1);
  two.save("c", "see you at nine tomorrow");
  expect(shown).toBe("see you at nine tomorrow");
  expect(reloaded(one, "1").open("c")).toBe("see you at nine tomorrow");
  two.save("c", "");
  expect(tab("3").open("c")).toBe("");
});

it("a text that no tab shows is gone when another tab has sent it", () => {
  const [one, two] = [tab("1"), tab("2")];
  one.save("c", "taken over");
  two.open("c");
  two.save("c", "");
  expect(one.open("c")).toBe("");
});

it("a text that was continued in its tab is not removed by another one", () => {
  const [one, two] = [tab("1"), tab("2")];
  isShown = false;
  one.save("c", "A");
  two.open("c");
  one.save("c", "A and more");
  two.save("c", "B");
  expect(reloaded(one, "1").open("c")).toBe("A and more");
});

it("an edit belongs to its tab and its message", () => {
  const [one, two] = [tab("1"), tab("2")];
  const edit: Composing = { kind: "edit", message };
  one.saveComposing("c", edit);
  expect(one.editOf(message)).toBeNull();
  one.saveComposing("c", { ...edit, text: message.content ?? "" });
  expect(one.unfinished("c")).toBe("");
  one.saveComposing("c", { ...edit, text: "Hello" });
  expect(one.unfinished("c")).toBe("Hello");
  two.saveComposing("c", { kind: "reply", message: { ...message, id: "m2" } });
  two.saveComposing("c", null);
  const again = reloaded(one, "1");
  expect(again.openComposing("c")).toEqual(edit);
  expect([again.editOf(message), again.editOf({ ...message, id: "m3" })]).toEqual(["Hello", null]);
  expect(followed).toHaveBeenCalledWith("composing", "c");
});

it("users do not see each other's drafts, whatever their ids are", () => {
  tab("1", "ann").save("b.c", "of ann");
  tab("1", "ann.b").save("c", "of ann.b");
  expect([tab("1", "ann.b").open("c"), tab("2", "ann").open("b.c"), tab("2", "bob").open("c")]).toEqual([
    "of ann.b",
    "of ann",
    "",
  ]);
});

it("an id may contain what separates the parts of a key", () => {
  tab("1", "ann").save("b/c", "of ann");
  expect([tab("2", "ann").open("b/c"), tab("2", "ann/b").open("c")]).toEqual(["of ann", ""]);
  expect([...tab("2", "ann").places()]).toEqual(["b/c"]);
});

it("signing out removes everything of the user and nothing of others", () => {
  storage.setItem("talkwire.draft.ann.c", "of an earlier version");
  storage.setItem("talkwire.edit.ann.c", "of an earlier version");
  const [one, two] = [tab("1"), tab("2")];
  two.follow("c", () => undefined);
  one.save("d", "one");
  two.save("c", "two");
  one.saveComposing("c", { kind: "edit", message });
  tab("1", "bob").save("c", "of bob");
  expect([...one.places()].sort()).toEqual(["c", "d"]);
  isSignedIn = false;
  one.remove();
  one.save("c", "too late");
  expect(storage.length).toBe(1);
  expect(tab("1", "bob").open("c")).toBe("of bob");
});

it("drafts of earlier versions are found", () => {
  storage.setItem("talkwire.draft.ann.c.m1", "in a thread");
  const drafts = tab("1");
  expect(drafts.open("c m1")).toBe("in a thread");
  drafts.save("c m1", "");
  expect(storage.length).toBe(0);
});

it("a full storage is no reason to stop", () => {
  const drafts = new Drafts("ann", {
    tab: "1",
    isSignedIn: () => true,
    storage: {
      ...storage,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    } as unknown as Storage,
  });
  expect(() => drafts.save("c", "text")).not.toThrow();
});

it("knows which threads have a draft, in any tab", () => {
  const one = tab("1");
  one.save("conv", "in the conversation");
  one.save("conv2 7", "in a thread of another one");
  const two = tab("2");
  two.save("conv 7", "in a thread");
  two.save("conv 7", "in a thread, changed");
  for (const drafts of [one, two, tab("3")]) expect([...drafts.threads.getState()]).toEqual(["conv2 7", "conv 7"]);
  two.save("conv 7", "");
  one.remove();
  expect([one, two].map(({ threads }) => [...threads.getState()])).toEqual([[], []]);
});
