/** Every key that does something: the table which the keys are taken from and the list of them is made of. */

import { texts } from "../../texts";

/** What a key is for. Where a list of them is shown, each group has its heading. */
export type Group = "moving" | "messages" | "writing";

export interface Shortcut {
  /** What it is called in the code. */
  readonly name: string;
  /** As `keysOf` writes them; any one of them does it. */
  readonly keys: readonly string[];
  readonly group: Group;
  readonly label: string;
}

/** What is done with the message that has the focus. */
export const MESSAGE_KEYS = {
  reply: "r",
  thread: "t",
  forward: "f",
  pin: "p",
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
  { name: "pin", keys: [MESSAGE_KEYS.pin], group: "messages", label: texts.pin },
  { name: "copy", keys: [MESSAGE_KEYS.copy], group: "messages", label: texts.copyText },
  { name: "unread", keys: [MESSAGE_KEYS.unread], group: "messages", label: texts.markUnread },
  { name: "react", keys: [MESSAGE_KEYS.react], group: "messages", label: label.react },
  { name: "edit", keys: [MESSAGE_KEYS.edit], group: "messages", label: texts.edit },
  { name: "delete", keys: [MESSAGE_KEYS.delete], group: "messages", label: texts.delete },
  { name: "send", keys: ["Enter"], group: "writing", label: texts.send },
  { name: "newLine", keys: ["Shift+Enter"], group: "writing", label: label.newLine },
  { name: "bold", keys: ["Mod+b"], group: "writing", label: label.bold },
  { name: "italic", keys: ["Mod+i"], group: "writing", label: label.italic },
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
 * What was pressed, as the table has it: by what the key prints, wherever it is on the keyboard. Whether Shift was needed for
 * a sign differs between keyboards, so it counts only with letters and with keys that print nothing.
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

/** Whether this can be meant for whatever is written in a field. */
export function isPlain(keys: string): boolean {
  return keys !== "Escape" && !/^(Mod|Alt)\+/.test(keys);
}
