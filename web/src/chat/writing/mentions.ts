/** How members are named in texts, as the server recognises it: `@name`, `@id`, and `@all` for everybody. */

import type { Member } from "../../server/payloads";

export const EVERYONE = "all";

const WORDS_MAX = 6;
const LENGTH_MAX = 120;
/** What the server takes for a name that begins here: not inside a word, an address or another mention. */
const BEFORE = /[\p{L}\p{N}_@.+/-]$/u;
const INSIDE = /^[\p{L}\p{N}_]/u;
const GOES_ON = /^[-.@][\p{L}\p{N}_]/u;
const WORD = /[\p{L}\p{N}_]$/u;

/** What stands behind the @ for a member: the name, or the id where the name is not theirs alone or cannot be found. */
export function spellingOf(member: Member, members: readonly Member[]): string {
  const { name, userId } = member;
  const isPlain = /^[^\s@`]([^\n\r`]*\S)?$/u.test(name) && name.length <= LENGTH_MAX;
  const isShort = name.split(/\s+/).length <= WORDS_MAX;
  const isTheirs = members.every((each) => each.userId === userId || !calls(each, name));
  return isPlain && isShort && isTheirs ? name : userId;
}

const calls = ({ name, userId }: Member, spelling: string): boolean =>
  fold(name) === fold(spelling) || userId === spelling;

const fold = (text: string): string => text.toLowerCase();

/** A stretch of a text: plain, or somebody's mention. */
export interface Stretch {
  readonly text: string;
  /** Whose; `EVERYONE` for all. */
  readonly userId?: string;
}

export interface Named {
  readonly userId: string;
  readonly spellings: readonly string[];
}

/** Those whom the server has found in a message, with what they may be called there. */
export function namedIn(
  { mentions = [], mentionsAll = false }: { mentions?: readonly string[]; mentionsAll?: boolean },
  members: readonly Member[],
): Named[] {
  const people = mentions.map((userId) => {
    const name = members.find((member) => member.userId === userId)?.name;
    return { userId, spellings: name === undefined ? [userId] : [name, userId] };
  });
  return mentionsAll ? [...people, { userId: EVERYONE, spellings: [EVERYONE] }] : people;
}

/** Cuts a text at the mentions in it; of several that fit the longest counts. */
export function stretchesOf(text: string, named: readonly Named[]): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (let at = text.indexOf("@"); at !== -1 && named.length > 0; at = text.indexOf("@", at + 1)) {
    const found = BEFORE.test(text.slice(0, at)) ? undefined : longestAt(text, at + 1, named);
    if (found === undefined) continue;
    if (at > from) stretches.push({ text: text.slice(from, at) });
    from = at + 1 + found.length;
    stretches.push({ text: text.slice(at, from), userId: found.userId });
    at = from - 1;
  }
  return from < text.length ? [...stretches, { text: text.slice(from) }] : stretches;
}

function longestAt(text: string, at: number, named: readonly Named[]): { userId: string; length: number } | undefined {
  return named
    .flatMap(({ userId, spellings }) => spellings.map((spelling) => ({ userId, spelling, length: spelling.length })))
    .filter(({ spelling }) => fold(text.slice(at, at + spelling.length)) === fold(spelling))
    .filter(({ spelling, length }) => endsAt(spelling, text.slice(at + length)))
    .sort((one, other) => other.length - one.length)[0];
}

/** Whether a name is over where something else follows. */
const endsAt = (spelling: string, rest: string): boolean =>
  !(WORD.test(spelling) && INSIDE.test(rest)) && !GOES_ON.test(rest);
