/** Mentions in texts, as the server recognizes them: `@name`, `@handle`, `@id`, and `@all` for everyone. */

import type { Member } from "@talkwire/client";

export const EVERYONE = "all";
/** What people from other chats write for it. It is only suggested: the server knows none but `@all`. */
export const EVERYONE_ELSEWHERE = ["everyone", "everybody", "channel", "here"];

const WORDS_MAX = 6;
const LENGTH_MAX = 120;
/** A mention does not start inside a word, an address or another mention. */
const MENTION_START = /(?<![\p{L}\p{N}_@.+/-])@/uy;
const INSIDE = /^[\p{L}\p{N}_]/u;
const CONTINUES = /^[-.@][\p{L}\p{N}_]/u;
const WORD = /[\p{L}\p{N}_]$/u;

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
  fold(name) === fold(spelling) || handle === fold(spelling) || userId === spelling;

const fold = (text: string): string => text.toLowerCase();

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

/** Splits a text at its mentions; the longest match counts. */
export function splitAtMentions(text: string, users: readonly MentionedUser[]): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (let at = text.indexOf("@"); at !== -1 && users.length > 0; at = text.indexOf("@", at + 1)) {
    MENTION_START.lastIndex = at;
    const found = MENTION_START.test(text) ? longestAt(text, at + 1, users) : undefined;
    if (found === undefined) continue;
    if (at > from) parts.push({ text: text.slice(from, at) });
    from = at + 1 + found.length;
    parts.push({ text: text.slice(at, from), userId: found.userId });
    at = from - 1;
  }
  return from < text.length ? [...parts, { text: text.slice(from) }] : parts;
}

function longestAt(
  text: string,
  at: number,
  users: readonly MentionedUser[],
): { userId: string; length: number } | undefined {
  return users
    .flatMap(({ userId, spellings }) => {
      const written = spellings.filter((each) => fold(text.slice(at, at + each.length)) === fold(each));
      // The first name of somebody whose name is not known may be their id, but for its capital letter.
      if (text.startsWith(userId, at)) written.push(userId);
      return written.map((spelling) => ({ userId, spelling, length: spelling.length }));
    })
    .filter(({ spelling, length }) => endsAt(spelling, text.slice(at + length)))
    .sort((one, other) => other.length - one.length)[0];
}

/** Returns whether a name ends before the rest of the text. */
const endsAt = (spelling: string, rest: string): boolean =>
  !(WORD.test(spelling) && INSIDE.test(rest)) && !CONTINUES.test(rest);
