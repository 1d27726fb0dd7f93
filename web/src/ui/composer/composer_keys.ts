import type { KeyboardEvent } from "react";
import { continuedList, type Format, formatted, isInFence, withoutSecondSign } from "../../chat/writing/formatting";
import { byTouch, isComposing, onMac } from "../keyboard/focus";
import { insertText } from "../keyboard/insert_text";
import { keysOf, type ShortcutName, shortcutOf } from "../keyboard/shortcuts";
import type { ComposerState } from "./use_composer";

/** How much of the messages in sight a page is; the rest stays in sight. */
const PAGE = 0.9;

type Pressed = KeyboardEvent<HTMLTextAreaElement>;

/** Handles keys in the message field, besides typing. */
export function handleComposerKey(event: Pressed, composer: ComposerState): void {
  if (isComposing(event.nativeEvent)) return;
  if (
    handlePage(event) ||
    handleNewLine(event) ||
    handleSecondSign(event) ||
    handleSend(event, composer) ||
    handleCancel(event, composer) ||
    handleEditLast(event, composer) ||
    handleFormat(event)
  ) {
    event.preventDefault();
  }
}

/** Scrolls the messages above an empty field. */
function handlePage({ key, currentTarget: field, shiftKey, ctrlKey, altKey, metaKey }: Pressed): boolean {
  const pages = { PageUp: -1, PageDown: 1 }[key];
  if (pages === undefined || field.value !== "" || shiftKey || ctrlKey || altKey || metaKey) return false;
  const log = field.closest("main, aside, .panel")?.querySelector('[role="log"]');
  log?.scrollBy({ top: pages * PAGE * log.clientHeight });
  return log != null;
}

/** Continues a list. */
function handleNewLine({ key, shiftKey, currentTarget: field }: Pressed): boolean {
  if (key !== "Enter" || !(shiftKey || byTouch)) return false;
  const edit = field.selectionStart === field.selectionEnd ? continuedList(field.value, field.selectionStart) : null;
  if (edit !== null) insertText(field, edit);
  return edit !== null;
}

/** Leaves out the sign of a list item that the reader types although the field has inserted it. */
function handleSecondSign({ key, currentTarget: field }: Pressed): boolean {
  const edit =
    key === " " && field.selectionStart === field.selectionEnd
      ? withoutSecondSign(field.value, field.selectionStart)
      : null;
  if (edit !== null) insertText(field, edit);
  return edit !== null;
}

/** Enter sends; on a phone it is the only key for a new line. In a block of code it makes one everywhere. */
function handleSend(event: Pressed, { send }: ComposerState): boolean {
  const { key, shiftKey, altKey, ctrlKey, metaKey, currentTarget } = event;
  const isPlain = !(ctrlKey || metaKey);
  if (isPlain && isInFence(currentTarget.value.slice(0, currentTarget.selectionStart))) return false;
  const isKey = key === "Enter" && !shiftKey && !altKey && !byTouch;
  if (isKey) send();
  return isKey;
}

function handleCancel({ key }: Pressed, { composing, cancel }: ComposerState): boolean {
  const isKey = key === "Escape" && composing !== null;
  if (isKey) cancel();
  return isKey;
}

/** Up in an empty field edits the reader's last message. */
function handleEditLast(event: Pressed, { content, composing, attached, editLast }: ComposerState): boolean {
  const isBare = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
  const isEmpty = content === "" && composing === null && attached.length === 0;
  return event.key === "ArrowUp" && isBare && isEmpty && editLast();
}

const FORMATS: readonly ShortcutName[] = ["bold", "italic", "strike", "code"] satisfies Format[];

function handleFormat(event: Pressed): boolean {
  const name = shortcutOf(keysOf(event, onMac));
  const format = FORMATS.find((each) => each === name) as Format | undefined;
  if (format === undefined) return false;
  formatSelection(event.currentTarget, format);
  return true;
}

/** Formats the selected text of the message field. */
export function formatSelection(field: HTMLTextAreaElement, format: Format): void {
  insertText(field, formatted(format, field.value, field.selectionStart, field.selectionEnd));
}

/** Returns whether a key pastes without formatting, files and pictures: Ctrl+Shift+V. */
export function isPlainPaste({ key, shiftKey, ctrlKey, metaKey }: Pressed): boolean {
  return key.toLowerCase() === "v" && shiftKey && (ctrlKey || metaKey);
}
