/** Texts without Markdown syntax, for previews and notifications. */

import { type Block, blocksOf, type ListItem } from "../markdown/blocks";
import { withClosedFence } from "../markdown/cut_code";
import type { Inline } from "../markdown/inlines";
import { trimmed } from "../markdown/trimmed";

/** Enough for a preview of a few lines, and a limit for the work. */
const PREVIEW_MAX = 600;

/** Returns the start of a text as it is shown, without Markdown syntax. */
export function plainText(text: string): string {
  const isCut = text.length > PREVIEW_MAX;
  const start = isCut ? withClosedFence(text.slice(0, PREVIEW_MAX)) : text;
  return plainBlocks(blocksOf(trimmed(start))).slice(0, PREVIEW_MAX);
}

const plainBlocks = (blocks: readonly Block[]): string => blocks.map(plainBlock).join("\n");

function plainBlock(block: Block): string {
  switch (block.kind) {
    case "text":
    case "heading":
      return plain(block.inside);
    case "quote":
      return plainBlocks(block.inside);
    case "list":
      return block.items.map(plainItem).join("\n");
    case "code":
      return block.text;
    case "table":
      return [block.head, ...block.rows].map((cells) => cells.map(plain).join(" | ")).join("\n");
  }
}

function plainItem({ sign, isDone, inside }: ListItem): string {
  const task = isDone === undefined ? "" : isDone ? "[x] " : "[ ] ";
  // A minus sign would be mistaken for a part of the text where the lines of a list stand in one.
  return `${/^[-*+]$/.test(sign) ? "•" : sign} ${task}${plainBlocks(inside)}`;
}

function plain(inlines: readonly Inline[]): string {
  return inlines.map((inline) => ("text" in inline ? inline.text : plain(inline.inside))).join("");
}
