import { describe, expect, it } from "vitest";
import { isPlain, keysOf, type Pressed, SHORTCUTS, shortcutOf } from "../src/ui/keyboard/shortcuts";

const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe("pressed keys", () => {
  it("are the printed character and the modifiers", () => {
    expect(keysOf(press("k", { ctrlKey: true }), false)).toBe("Mod+k");
    expect(keysOf(press("K", { ctrlKey: true, shiftKey: true }), false)).toBe("Mod+Shift+k");
    expect(keysOf(press("ArrowUp", { altKey: true, shiftKey: true }), false)).toBe("Alt+Shift+ArrowUp");
  });

  it("are the same with Caps Lock", () => {
    expect(keysOf(press("R"), false)).toBe("r");
  });

  it("are a sign, with or without Shift on the keyboard", () => {
    expect(keysOf(press("?", { shiftKey: true }), false)).toBe("?");
    expect(keysOf(press("+"), false)).toBe("+");
  });

  it("have the command key of a Mac as Ctrl, and its Ctrl as another key", () => {
    expect(keysOf(press("k", { metaKey: true }), true)).toBe("Mod+k");
    expect(keysOf(press("k", { ctrlKey: true }), true)).toBe("Other+k");
    expect(keysOf(press("k", { metaKey: true }), false)).toBe("Other+k");
  });
});

describe("the table", () => {
  it("has each key once", () => {
    const keys = SHORTCUTS.flatMap((shortcut) => [...shortcut.keys]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(shortcutOf("Mod+k")).toBe("switch");
    expect(shortcutOf("Mod+ü")).toBeUndefined();
  });

  it("knows which keys may be meant for a text field", () => {
    expect(["r", "?", "Shift+Enter"].every(isPlain)).toBe(true);
    expect(["Mod+k", "Alt+ArrowUp", "Escape"].some(isPlain)).toBe(false);
  });
});
