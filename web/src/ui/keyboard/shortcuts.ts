/** All keyboard shortcuts: the table for the handlers and for the list. */

import { texts } from "../../texts";

/** Where a shortcut works. The list has a heading for each group. */
export type Group = "moving" | "messages" | "writing";

export interface Shortcut {
  /** The name in the code. */
  readonly name: string;
  /** As `keysOf` writes them; each of them works. */
  readonly keys: readonly string[];
  readonly group: Group;
  readonly label: string;
}

/** Shortcuts for the focused message. */
export const MESSAGE_KEYS = {
  reply: "r",
  thread: "t",
  forward: "f",
  save: "s",
  copy: "c",
  unread: "u",
  react: "+",
  edit: "e",
  delete: "Delete",
} as const;

const label = texts.keys;

export const SHORTCUTS = [
  { name: "switch", keys: ["Mod+k"], group: "moving", label: label.switch },
  { name: "next", keys: ["Alt+ArrowDown"], group: "moving", label: label.next },
  { name: "previous", keys: ["Alt+ArrowUp"], group: "moving", label: label.previous },
  { name: "nextUnread", keys: ["Alt+Shift+ArrowDown"], group: "moving", label: label.nextUnread },
  { name: "previousUnread", keys: ["Alt+Shift+ArrowUp"], group: "moving", label: label.previousUnread },
  { name: "search", keys: ["/"], group: "moving", label: label.search },
  { name: "leave", keys: ["Escape"], group: "moving", label: label.leave },
  { name: "help", keys: ["?"], group: "moving", label: label.help },
  { name: "older", keys: ["ArrowUp", "k"], group: "messages", label: label.older },
  { name: "newer", keys: ["ArrowDown", "j"], group: "messages", label: label.newer },
  { name: "reply", keys: [MESSAGE_KEYS.reply], group: "messages", label: texts.reply },
  { name: "thread", keys: [MESSAGE_KEYS.thread], group: "messages", label: texts.replyInThread },
  { name: "forward", keys: [MESSAGE_KEYS.forward], group: "messages", label: texts.forward },
  { name: "save", keys: [MESSAGE_KEYS.save], group: "messages", label: texts.saved.save },
  { name: "copy", keys: [MESSAGE_KEYS.copy], group: "messages", label: texts.copyText },
  { name: "unread", keys: [MESSAGE_KEYS.unread], group: "messages", label: texts.markUnread },
  { name: "react", keys: [MESSAGE_KEYS.react], group: "messages", label: label.react },
  { name: "menu", keys: ["Shift+F10"], group: "messages", label: label.menu },
  { name: "edit", keys: [MESSAGE_KEYS.edit], group: "messages", label: texts.edit },
  { name: "delete", keys: [MESSAGE_KEYS.delete], group: "messages", label: texts.delete },
  { name: "send", keys: ["Enter"], group: "writing", label: texts.send },
  { name: "newLine", keys: ["Shift+Enter"], group: "writing", label: label.newLine },
  { name: "bold", keys: ["Mod+b"], group: "writing", label: label.bold },
  { name: "italic", keys: ["Mod+i"], group: "writing", label: label.italic },
  { name: "strike", keys: ["Mod+Shift+x"], group: "writing", label: label.strike },
  { name: "code", keys: ["Mod+e"], group: "writing", label: label.code },
] as const satisfies readonly Shortcut[];

export type ShortcutName = (typeof SHORTCUTS)[number]["name"];

const NAMES = new Map<string, ShortcutName>(SHORTCUTS.flatMap(({ name, keys }) => keys.map((key) => [key, name])));

export function shortcutOf(keys: string): ShortcutName | undefined {
  return NAMES.get(keys);
}

export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/**
 * Returns the pressed keys as the table writes them: by the character, wherever it is on the keyboard. Keyboards differ
 * in whether a sign needs Shift, so Shift counts only for letters and for keys without a character.
 */
export function keysOf({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed, onMac: boolean): string {
  const isSign = key.length === 1 && key.toLowerCase() === key.toUpperCase();
  const parts = [
    (onMac ? metaKey : ctrlKey) && "Mod",
    (onMac ? ctrlKey : metaKey) && "Other",
    altKey && "Alt",
    shiftKey && !isSign && "Shift",
    key.length === 1 ? key.toLowerCase() : key,
  ];
  return parts.filter(Boolean).join("+");
}

/** Returns whether the keys may be meant for a text field. */
export function isPlain(keys: string): boolean {
  return keys !== "Escape" && !/^(Mod|Alt)\+/.test(keys);
}
