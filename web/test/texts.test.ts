/** Which parts of a text are addresses, code and mentions: the cases that the server shares. */

import { expect, it } from "vitest";
import { type Block, blocksOf } from "../src/chat/markdown/blocks";
import type { Inline } from "../src/chat/markdown/inlines";
import { EVERYONE, type MentionedUser, splitAtMentions } from "../src/chat/writing/mentions";

interface Case {
  readonly text: string;
  readonly addresses?: readonly string[];
  readonly code?: readonly string[];
  readonly mentions?: readonly string[];
}

interface Shared {
  readonly members: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

const FILES = import.meta.glob<Shared>("../../tests/texts.json", { import: "default", eager: true });
const [SHARED = { members: {}, cases: [] }] = Object.values(FILES);
const MEMBERS: readonly MentionedUser[] = [
  ...Object.entries(SHARED.members).map(([userId, name]) => ({ userId, spellings: [name] })),
  { userId: EVERYONE, spellings: [EVERYONE] },
];

interface Found {
  addresses: string[];
  code: string[];
  mentions: string[];
}

function read(blocks: readonly Block[], found: Found): Found {
  for (const block of blocks) {
    if (block.kind === "code") found.code.push(block.text);
    else if (block.kind === "quote") read(block.inside, found);
    else if (block.kind === "list") for (const { inside } of block.items) read(inside, found);
    else if (block.kind === "table") for (const cell of [block.head, ...block.rows].flat()) readInlines(cell, found);
    else readInlines(block.inside, found);
  }
  return found;
}

function readInlines(inlines: readonly Inline[], found: Found): void {
  for (const inline of inlines) {
    if (inline.kind === "code") found.code.push(inline.text);
    else if (inline.kind === "text") found.mentions.push(...mentionedIn(inline.text));
    else {
      if (inline.kind !== "link" || inline.isAddress !== true) readInlines(inline.inside, found);
      if (inline.kind === "link" && !inline.href.startsWith("mailto:")) found.addresses.push(inline.href);
    }
  }
}

const mentionedIn = (text: string): string[] =>
  splitAtMentions(text, MEMBERS).flatMap(({ userId }) => (userId === undefined ? [] : [userId]));

it("there are cases", () => {
  expect(SHARED.cases.length).toBeGreaterThan(300);
});

it.each(SHARED.cases)("$text", ({ text, addresses = [], code = [], mentions = [] }) => {
  const found = read(blocksOf(text), { addresses: [], code: [], mentions: [] });
  const users = [...new Set(found.mentions)];
  // The server says whom a text mentions, and whether it mentions everyone.
  const sorted = [...users.filter((id) => id !== EVERYONE), ...users.filter((id) => id === EVERYONE)];
  expect({ ...found, mentions: sorted }).toEqual({ addresses, code, mentions });
});
