import type { Member } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { type KeyboardEvent, type RefObject, useEffect, useId, useMemo, useState } from "react";
import {
  type CompletionChoice,
  type CompletionQuery,
  closedEmojiAt,
  emojiChoices,
  insertionOf,
  mentionChoices,
  queryAt,
  staysClosed,
} from "../../chat/writing/completion";
import type { EmojiEntry } from "../../chat/writing/emoji";
import { texts } from "../../texts";
import { isComposing } from "../keyboard/focus";
import { insertText } from "../keyboard/insert_text";
import { useChat, useChatState } from "../page/chat_context";

const NOBODY: readonly Member[] = [];

export interface Completion {
  readonly kind: CompletionQuery["kind"];
  readonly choices: readonly CompletionChoice[];
  readonly active: number;
  readonly listId: string;
  readonly optionId: (index: number) => string;
  readonly activate: (index: number) => void;
  readonly pick: (choice: CompletionChoice) => void;
}

interface Completing {
  /** The suggestions; null when there are none. */
  readonly completion: Completion | null;
  /** The caret has moved, by typing, with the browser's name for the change, or otherwise. */
  readonly typed: (field: HTMLTextAreaElement, inputType: string | undefined) => void;
  readonly moved: (caret: number) => void;
  readonly close: () => void;
  /** Handles a key of the list. Returns whether it was one. */
  readonly pressed: (event: KeyboardEvent) => boolean;
}

/** Suggests names and emoji for what is being typed, not for existing text. */
export function useCompletion(
  field: RefObject<HTMLTextAreaElement | null>,
  content: string,
  conversationId: string,
): Completing {
  const listId = useId();
  const [at, setAt] = useState<{ readonly text: string; readonly caret: number } | null>(null);
  // Another text has replaced the typed one, such as a draft that returns.
  const caret = at?.text === content ? at.caret : null;
  const [dismissed, setDismissed] = useState<number | null>(null);
  const [chosen, setChosen] = useState({ for: "", index: 0 });
  const found = caret === null ? null : queryAt(content, caret);
  const query = found?.from === dismissed ? null : found;
  const [isTyped, setTyped] = useState(false);
  const closed = isTyped && caret !== null ? closedEmojiAt(content, caret) : null;
  const emoji = useEmoji(query?.kind === "emoji" || closed !== null);
  const choices = useChoices(query, conversationId, emoji);
  const code = closed?.code;
  useEffect(() => {
    const sign = emoji.find(({ codes }) => code !== undefined && codes.includes(code))?.emoji;
    if (sign === undefined || code === undefined || caret === null) return;
    // The browser changes no text while it reports a change.
    const timer = setTimeout(() => {
      if (field.current === null) return;
      insertText(field.current, { from: caret - code.length - 2, to: caret, insert: sign });
    });
    return () => clearTimeout(timer);
  }, [field, emoji, code, caret]);
  const name = query === null ? "" : `${query.from} ${query.text}`;
  const active = chosen.for === name ? Math.min(chosen.index, choices.length - 1) : 0;
  const activate = (index: number): void => setChosen({ for: name, index });

  const close = (): void => {
    if (query !== null) setDismissed(query.from);
  };
  const pick = (choice: CompletionChoice): void => {
    if (query === null || field.current === null || caret === null) return;
    close();
    insertText(field.current, { from: query.from, to: caret, insert: insertionOf(choice, content, caret) });
  };
  const isOpen = query !== null && choices.length > 0;
  const pressed = (event: KeyboardEvent): boolean => {
    const choice = choices[active];
    if (!isOpen || choice === undefined || isComposing(event.nativeEvent) || event.shiftKey) return false;
    const { length } = choices;
    if (event.key === "ArrowDown") activate((active + 1) % length);
    else if (event.key === "ArrowUp") activate((active + length - 1) % length);
    else if (event.key === "Enter" || event.key === "Tab") pick(choice);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    return true;
  };
  const optionId = (index: number): string => `${listId}-${index}`;
  return {
    completion: isOpen ? { kind: query.kind, choices, active, listId, optionId, activate, pick } : null,
    typed: ({ value, selectionStart }, inputType) => {
      const isInsertion = inputType === "insertText" || inputType === "insertCompositionText";
      setAt({ text: value, caret: selectionStart });
      setTyped(isInsertion);
      setDismissed((from) => (from !== null && staysClosed(value, selectionStart, from, isInsertion) ? from : null));
    },
    moved: (to) => setAt((before) => (before?.caret === to ? before : null)),
    close,
    pressed,
  };
}

function useChoices(
  query: CompletionQuery | null,
  conversationId: string,
  emoji: readonly EmojiEntry[],
): readonly CompletionChoice[] {
  const members = useChatState((state) => own(state.conversations, conversationId)?.members) ?? NOBODY;
  const isDirect = useChatState((state) => own(state.conversations, conversationId)?.kind === "direct");
  const kind = query?.kind;
  const text = query?.text ?? "";
  return useMemo(() => {
    if (kind === undefined) return [];
    if (kind === "emoji") return emojiChoices(text, emoji);
    return mentionChoices(text, members, isDirect ? null : texts.mentionEveryone);
  }, [kind, text, emoji, members, isDirect]);
}

const NONE: readonly EmojiEntry[] = [];

/** Returns all emoji, once they are needed. */
function useEmoji(wanted: boolean): readonly EmojiEntry[] {
  const store = useChat().emoji;
  const [emoji, setEmoji] = useState(NONE);
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    // Without a connection there are no suggestions.
    store.load().then(
      (set) => current && setEmoji(set.emoji),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [store, wanted]);
  return emoji;
}
