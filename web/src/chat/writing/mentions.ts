/** Mentions in texts, as the server recognizes them: `@name`, `@handle`, `@id`, and `@all` for everyone. */

import type { Member } from "@talkwire/client";
import { UNSPACED } from "../markdown/characters";

export const EVERYONE = "all";
/** What people from other chats write for it. It is only suggested: the server knows none but `@all`. */
export const EVERYONE_ELSEWHERE = ["everyone", "everybody", "channel", "here"];

const WORDS_MAX = 6;
const LENGTH_MAX = 120;
/** The most characters after an `@` in which a name is looked for. */
const WINDOW = 400;
/** How many times as long as its normal form a name may be. */
const LONGER = 3;
const WORD = `(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}]`;
/** A mention does not start inside a word, an address or another mention. An `_` before it may start emphasis. */
export const MENTION_START = `(?<!${WORD}_?|[@＠.+/-])[@＠]`;
/** A name ends before a mark, inside a word, or inside a name such as `ann-marie` only in scripts without spaces. */
const NAME_END = new RegExp(
  `(?![\\p{M}\\u1160-\\u11ff])(?!(?<=${WORD})${WORD})(?!(?<![${UNSPACED}])[-._@＠]${WORD})`,
  "uy",
);

/**
 * Returns the text after `@` for a member: the name, or the handle or the id where the name is ambiguous or cannot be
 * recognized.
 */
export function spellingOf(member: Member, members: readonly Member[]): string {
  const { name, handle, userId } = member;
  const isPlain = /^[^\s@`]([^\n\r`]*\S)?$/u.test(name) && name.length <= LENGTH_MAX;
  const isShort = name.split(/\s+/).length <= WORDS_MAX;
  const isTheirs = members.every((each) => each.userId === userId || !matches(each, name));
  return isPlain && isShort && isTheirs ? name : (handle ?? userId);
}

const matches = ({ name, handle, userId }: Member, spelling: string): boolean =>
  foldedName(name) === foldedName(spelling) || handle === foldedName(spelling) || userId === spelling;

/** Returns a name as names are compared: in one normal form, without regard to case. */
export const foldedName = (text: string): string =>
  text.slice(0, WINDOW).normalize("NFC").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");

/** A part of a text: plain, or a mention. */
export interface TextPart {
  readonly text: string;
  /** The mentioned user; `EVERYONE` for all. */
  readonly userId?: string;
}

export interface MentionedUser {
  readonly userId: string;
  /** The name and the handle. The id is a spelling too, in its own letters only. */
  readonly spellings: readonly string[];
}

/**
 * Returns the users whom the server has found in a message, with the names that they may have there. `left`: the names
 * of those who are not members any more, by their ids.
 */
export function mentionedUsers(
  { mentions = [], mentionsAll = false }: { mentions?: readonly string[]; mentionsAll?: boolean },
  members: readonly Member[],
  left: ReadonlyMap<string, string> = new Map(),
): MentionedUser[] {
  const people = mentions.map((userId) => {
    const member = members.find((each) => each.userId === userId);
    const spellings = [member?.name ?? left.get(userId), member?.handle];
    return { userId, spellings: spellings.filter((each) => each !== undefined) };
  });
  return mentionsAll ? [...people, { userId: EVERYONE, spellings: [EVERYONE] }] : people;
}

interface Spelling {
  readonly userId: string;
  readonly folded: string;
}

/** Splits a text at its mentions; the longest match counts. */
export function splitAtMentions(text: string, users: readonly MentionedUser[]): TextPart[] {
  const spellings = users
    .flatMap(({ userId, spellings }) => spellings.map((each): Spelling => ({ userId, folded: foldedName(each) })))
    .sort((one, other) => other.folded.length - one.folded.length);
  const parts: TextPart[] = [];
  let from = 0;
  for (const { index } of users.length > 0 ? text.matchAll(new RegExp(MENTION_START, "gu")) : []) {
    const found = index < from ? undefined : longestAt(text, index + 1, users, spellings);
    if (found === undefined) continue;
    if (index > from) parts.push({ text: text.slice(from, index) });
    from = found.end;
    parts.push({ text: text.slice(index, from), userId: found.userId });
  }
  return from < text.length ? [...parts, { text: text.slice(from) }] : parts;
}

function longestAt(
  text: string,
  at: number,
  users: readonly MentionedUser[],
  spellings: readonly Spelling[],
): { userId: string; end: number } | undefined {
  const folded = foldedName(text.slice(at, at + WINDOW));
  // The first name of somebody whose name is not known may be their id, but for its capital letter.
  const ends = users
    .filter(({ userId }) => text.startsWith(userId, at) && endsAt(text, at + userId.length))
    .map(({ userId }) => ({ userId, end: at + userId.length }));
  for (const spelling of spellings) {
    const end = folded.startsWith(spelling.folded) ? endOf(spelling.folded, text, at) : undefined;
    if (end !== undefined) ends.push({ userId: spelling.userId, end });
  }
  return ends.sort((one, other) => other.end - one.end)[0];
}

/** Returns where a name ends that starts at a position; its normal form may have another length. */
function endOf(folded: string, text: string, at: number): number | undefined {
  const isEnd = (end: number): boolean => endsAt(text, end) && foldedName(text.slice(at, end)) === folded;
  if (isEnd(at + folded.length)) return at + folded.length;
  for (let end = at + 1; end <= at + LONGER * folded.length && end <= text.length; end++) if (isEnd(end)) return end;
  return undefined;
}

function endsAt(text: string, at: number): boolean {
  NAME_END.lastIndex = at;
  return NAME_END.test(text);
}
