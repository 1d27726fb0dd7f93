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

describe("what was pressed", () => {
  it("is what the key prints, with what was held", () => {
    expect(keysOf(press("k", { ctrlKey: true }), false)).toBe("Mod+k");
    expect(keysOf(press("K", { ctrlKey: true, shiftKey: true }), false)).toBe("Mod+Shift+k");
    expect(keysOf(press("ArrowUp", { altKey: true, shiftKey: true }), false)).toBe("Alt+Shift+ArrowUp");
  });

  it("is the same with Caps Lock", () => {
    expect(keysOf(press("R"), false)).toBe("r");
  });

  it("is a sign, however a keyboard makes it", () => {
    expect(keysOf(press("?", { shiftKey: true }), false)).toBe("?");
    expect(keysOf(press("+"), false)).toBe("+");
  });

  it("takes the command key of a Mac for Ctrl, and Ctrl there for something else", () => {
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

  it("knows what may be meant for a field", () => {
    expect(["r", "?", "Shift+Enter"].every(isPlain)).toBe(true);
    expect(["Mod+k", "Alt+ArrowUp", "Escape"].some(isPlain)).toBe(false);
  });
});
