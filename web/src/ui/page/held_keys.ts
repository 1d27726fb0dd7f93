/** Keys that are pressed while a part of the page loads, for which they are meant. Elsewhere they would do something else. */

import { isComposing, isTyping, onMac } from "../keyboard/focus";
import { insertText } from "../keyboard/insert_text";
import { keysOf, shortcutOf } from "../keyboard/shortcuts";

/** Where keys can give the part up. */
const NOTICE = ".part-notice";

export interface HeldKeys {
  /** Lets keys through again. */
  readonly end: () => void;
  /** Writes what was typed where the part has put the focus. Nothing if it has left the focus where it was. */
  readonly give: () => void;
  /** Whether the reader has pointed elsewhere, and goes on there. */
  readonly isLeft: () => boolean;
}

/** Holds what is typed until the reader points elsewhere. `onEscape` gives the part up. */
export function holdKeys(onEscape: () => void): HeldKeys {
  const focused = document.activeElement;
  let blurred: HTMLElement | null = null;
  let typed: readonly string[] = [];
  let isOver = false;
  let isLeft = false;
  const pressed = (event: KeyboardEvent): void => {
    const { key, target } = event;
    const isLetter = writes(event);
    const isInNotice = target instanceof Element && target.closest(NOTICE) !== null;
    if (isInNotice && !isLetter) return;
    event.stopImmediatePropagation();
    if (isComposing(event)) {
      // An input method would write into the field, no matter which handler has the key.
      if (!(document.activeElement instanceof HTMLElement)) return;
      blurred ??= document.activeElement;
      document.activeElement.blur();
      return;
    }
    // The browser's own keys work, such as those that reload the page.
    if (isOwn(event)) event.preventDefault();
    if (isLetter && !isOver) typed = [...typed, key];
    else if (key === "Backspace") typed = typed.slice(0, -1);
    else if (key === "Enter") isOver = true;
    else if (key === "Tab") document.querySelector<HTMLElement>(`${NOTICE} button`)?.focus();
    else if (key === "Escape") onEscape();
  };
  const changed = (event: Event): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const pointed = ({ target }: PointerEvent): void => {
    if (target instanceof Element && target.closest(NOTICE) !== null) return;
    typed = [];
    blurred = null;
    isLeft = true;
    end();
  };
  const end = (): void => {
    removeEventListener("keydown", pressed, true);
    removeEventListener("beforeinput", changed, true);
    removeEventListener("paste", changed, true);
    removeEventListener("pointerdown", pointed, true);
    // Before the part takes the focus, so that it comes back there.
    if (document.activeElement === document.body) blurred?.focus();
  };
  addEventListener("keydown", pressed, true);
  addEventListener("beforeinput", changed, true);
  addEventListener("paste", changed, true);
  addEventListener("pointerdown", pointed, true);
  return {
    end,
    isLeft: () => isLeft,
    give: () => {
      const field = document.activeElement;
      if (typed.length === 0 || field === focused || !isTextField(field)) return;
      const { length } = field.value;
      insertText(field, { from: length, to: length, insert: typed.join("") });
    },
  };
}

/** Whether a key writes a character. With AltGr, some systems say that Ctrl and Alt are pressed. */
function writes(event: KeyboardEvent): boolean {
  const { key, ctrlKey, metaKey, altKey } = event;
  return key.length === 1 && (event.getModifierState("AltGraph") || !(ctrlKey || metaKey || altKey));
}

/** Whether a key would do something in the page. */
function isOwn(event: KeyboardEvent): boolean {
  const { key, ctrlKey, metaKey, altKey } = event;
  if (shortcutOf(keysOf(event, onMac)) !== undefined || writes(event)) return true;
  return !(ctrlKey || metaKey || altKey || /^F\d+$/.test(key));
}

function isTextField(element: Element | null): element is HTMLInputElement | HTMLTextAreaElement {
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return false;
  // Some kinds of fields, such as those for numbers, have no place of the caret.
  return isTyping(element) && element.selectionStart !== null;
}
