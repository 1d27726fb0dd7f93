/** Suggestions while the reader types `@` and a name, or `:` and a word for an emoji. */

import type { Member } from "@talkwire/client";
import { fold } from "../search/fold";
import type { EmojiEntry } from "./emoji";
import { searchEmoji } from "./emoji_search";
import { EVERYONE, EVERYONE_ELSEWHERE, MENTION_START, spellingOf } from "./mentions";

/** What is being typed, and where it starts. */
export interface CompletionQuery {
  readonly kind: "mention" | "emoji";
  /** The position of `@` or `:`. */
  readonly from: number;
  readonly text: string;
}

export interface CompletionChoice {
  readonly key: string;
  readonly label: string;
  /** An additional description. */
  readonly hint: string;
  /** The text that replaces what was typed. */
  readonly insert: string;
  readonly emoji?: string;
  readonly userId?: string;
  /** The path of the user's picture. */
  readonly picture?: string | undefined;
}

/** As many as fit above the keyboard of a phone. */
const SHOWN_MAX = 6;
const MENTION = new RegExp(`${MENTION_START}((?:[^\\s@＠\x60](?:[^@＠\x60\\n]{0,58}[^\\s@＠\x60])?)?)$`, "u");
const EMOJI = /(?<![\p{L}\p{N}_:]):([\p{L}0-9_+-]{2,30})$/iu;
const CLOSED_EMOJI = /(?<![\p{L}\p{N}_:]):([a-z0-9_+-]{2,30}):$/iu;

/** Returns what is being typed before the caret; null when nothing is to be suggested. */
export function queryAt(text: string, caret: number): CompletionQuery | null {
  const before = text.slice(0, caret);
  if (isInCode(before)) return null;
  // Names contain spaces, so anything after one could belong to the name.
  const emoji = EMOJI.exec(before);
  if (emoji !== null) return { kind: "emoji", from: emoji.index, text: emoji[1] ?? "" };
  const mention = MENTION.exec(before);
  return mention === null ? null : { kind: "mention", from: mention.index, text: mention[1] ?? "" };
}

/**
 * Returns whether suggestions that the reader has closed stay closed: while they continue the word that starts at `from`.
 * A `@` or `:` that they have just typed there (`isTyped`) starts another word.
 */
export function staysClosed(text: string, caret: number, from: number, isTyped: boolean): boolean {
  const word = text.slice(from, caret);
  return /^[@＠:]\S*$/.test(word) && !(isTyped && word.length === 1);
}

/** Returns the short code that ends before the caret with its second colon, and where it starts; null if none does. */
export function closedEmojiAt(text: string, caret: number): { readonly from: number; readonly code: string } | null {
  const before = text.slice(0, caret);
  const found = isInCode(before) ? null : CLOSED_EMOJI.exec(before);
  return found === null ? null : { from: found.index, code: (found[1] ?? "").toLowerCase() };
}

/** Whether a text ends within code, which contains no mentions and where a colon is only a colon. */
function isInCode(before: string): boolean {
  return (before.match(/`/g)?.length ?? 0) % 2 === 1;
}

/**
 * Returns members whose names match; names that start with the query come first. `everyone`: the description of `@all`;
 * null where it is not available.
 */
export function mentionChoices(query: string, members: readonly Member[], everyone: string | null): CompletionChoice[] {
  const wanted = fold(query);
  const fitting = members
    .filter(({ erased }) => erased !== true)
    .map((member) => ({ member, rank: rankOf(member, wanted) }))
    .filter(({ rank }) => rank > 0)
    .sort((one, other) => other.rank - one.rank || one.member.name.localeCompare(other.member.name))
    .slice(0, SHOWN_MAX)
    .map(({ member }) => choiceOf(member, members));
  const isEveryone = [EVERYONE, ...EVERYONE_ELSEWHERE].some((word) => word.startsWith(wanted));
  if (everyone === null || !isEveryone) return fitting;
  const all = { key: EVERYONE, label: `@${EVERYONE}`, hint: everyone, insert: `@${EVERYONE}` };
  return [...fitting.slice(0, SHOWN_MAX - 1), all];
}

function rankOf({ name, handle, userId }: Member, wanted: string): number {
  const folded = fold(name);
  if (folded.startsWith(wanted)) return 3;
  if (wanted.includes(" ")) return 0;
  if (folded.split(/[\s.-]+/).some((word) => word.startsWith(wanted))) return 2;
  return handle?.startsWith(wanted) || fold(userId).startsWith(wanted) ? 1 : 0;
}

function choiceOf(member: Member, members: readonly Member[]): CompletionChoice {
  const { userId, name, handle, avatar: picture } = member;
  const spelling = spellingOf(member, members);
  const shown = handle ?? (spelling === name ? undefined : userId);
  const hint = shown === undefined ? "" : `@${shown}`;
  return { key: userId, label: name, hint, insert: `@${spelling}`, userId, picture };
}

/**
 * Returns emoji whose short code matches; codes that start with the query come first, and emoji last that only the picker
 * finds by it, such as by a word in the reader's language.
 */
export function emojiChoices(query: string, emoji: readonly EmojiEntry[]): CompletionChoice[] {
  const wanted = query.toLowerCase();
  const found: { choice: CompletionChoice; rank: number }[] = [];
  for (const { emoji: sign, codes } of emoji) {
    const code = codes.find((each) => each.startsWith(wanted)) ?? codes.find((each) => each.includes(wanted));
    if (code === undefined) continue;
    const rank = code === wanted ? 0 : code.startsWith(wanted) ? code.length : 100 + code.length;
    found.push({ choice: { key: sign, label: `:${code}:`, hint: "", insert: sign, emoji: sign }, rank });
  }
  const byCode = found.sort((one, other) => one.rank - other.rank).map(({ choice }) => choice);
  if (byCode.length >= SHOWN_MAX) return byCode.slice(0, SHOWN_MAX);
  const known = new Set(byCode.map(({ key }) => key));
  const byWord = searchEmoji(emoji, wanted)
    .filter(({ emoji: sign }) => !known.has(sign))
    .map(({ emoji: sign, label }) => ({ key: sign, label, hint: "", insert: sign, emoji: sign }));
  return [...byCode, ...byWord].slice(0, SHOWN_MAX);
}

/** Returns the text to insert, with a space after it where none follows. */
export function insertionOf(choice: CompletionChoice, text: string, caret: number): string {
  return /^\s/.test(text.slice(caret)) ? choice.insert : `${choice.insert} `;
}
