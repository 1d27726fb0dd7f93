import { SquareCheckBig, Square as SquareEmpty } from "lucide-react";
import { Fragment, memo, type ReactNode, useMemo } from "react";
import { type Block, blocksOf, type Cells, type ListItem } from "../../chat/markdown/blocks";
import type { Inline } from "../../chat/markdown/inlines";
import { texts } from "../../texts";
import { CodeBlock } from "./code_block";

/** Draws a text outside of code. */
export type TextOf = (text: string) => ReactNode;

/** Headings of a message are no headings of the page. */
const HEADINGS = ["", "heading first", "heading second"];
const EMPHASIS = { bold: "strong", italic: "em", struck: "del" } as const;

export const asWritten: TextOf = (text) => text;

interface Props {
  content: string;
  textOf?: TextOf;
  /** Follows the last word of a text that `endsInWords` (blocks.ts). */
  end?: ReactNode;
}

/** A text in Markdown as elements, never as HTML. */
export const Markdown = memo(function Markdown({ content, textOf = asWritten, end }: Props) {
  const blocks = useMemo(() => blocksOf(content), [content]);
  return <div>{blockElements(blocks, textOf, end)}</div>;
});

// A text keeps its parts in their order, so their numbers are their keys.
function blockElements(blocks: readonly Block[], textOf: TextOf, end?: ReactNode): ReactNode {
  return blocks.map((block, index) => blockElement(block, index, textOf, index === blocks.length - 1 && end));
}

export function blockElement(block: Block, key: number, textOf: TextOf, end?: ReactNode): ReactNode {
  switch (block.kind) {
    case "text":
      return (
        <p key={key}>
          {inlineElements(key === 0 ? block.inside : withoutFirstBreak(block.inside), textOf)}
          {end}
        </p>
      );
    case "heading":
      return (
        <p key={key} className={HEADINGS[block.level] ?? "heading"}>
          {inlineElements(block.inside, textOf)}
          {end}
        </p>
      );
    case "quote":
      return <blockquote key={key}>{blockElements(block.inside, textOf)}</blockquote>;
    case "list":
      return listElement(block.items, key, textOf, end);
    case "code":
      return <CodeBlock key={key} code={block.text} language={block.language} />;
    case "table":
      return tableElement(block, key, textOf);
  }
}

/**
 * Leaves out the first blank line of a text after another block, which has its own distance. The last one is not drawn,
 * because a line break at the end of an element is not.
 */
function withoutFirstBreak(inside: readonly Inline[]): readonly Inline[] {
  const [first, ...others] = inside;
  if (first?.kind !== "text") return inside;
  return [{ kind: "text", text: first.text.replace(/^[^\S\n]*\n/, "") }, ...others];
}

function listElement(items: readonly ListItem[], key: number, textOf: TextOf, end: ReactNode): ReactNode {
  const signs = items.map(({ sign }) => sign);
  const inside = items.map(({ sign, isDone, inside: blocks }, index) => (
    // The numbers are those of the writer.
    // biome-ignore lint/suspicious/noArrayIndexKey: the items of a text keep their order
    <li key={index} value={/^\d/.test(sign) ? Number.parseInt(sign, 10) : undefined}>
      {isDone !== undefined && <Task isDone={isDone} />}
      {blocks.map((block, place) => {
        const endOfBlock = index === items.length - 1 && place === blocks.length - 1 && end;
        if (place > 0 || block.kind !== "text") return blockElement(block, place, textOf, endOfBlock);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a text keep their order
          <Fragment key={place}>
            {inlineElements(block.inside, textOf)}
            {endOfBlock}
          </Fragment>
        );
      })}
    </li>
  ));
  if (!/^\d/.test(signs[0] ?? "")) return <ul key={key}>{inside}</ul>;
  const width = `${Math.max(...signs.map(({ length }) => length)) + 0.5}ch`;
  return (
    <ol key={key} className={signs[0]?.endsWith(")") ? "bracketed" : undefined} style={{ paddingInlineStart: width }}>
      {inside}
    </ol>
  );
}

/** The checkbox of a task list, which cannot be changed here. */
function Task({ isDone }: { isDone: boolean }) {
  const Box = isDone ? SquareCheckBig : SquareEmpty;
  return <Box className="icon task" role="img" aria-label={texts.task(isDone)} />;
}

function tableElement({ alignments, head, rows }: Block & { kind: "table" }, key: number, textOf: TextOf): ReactNode {
  const row = (cells: Cells, Cell: "td" | "th", place: number): ReactNode => (
    <tr key={place}>
      {cells.map((cell, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the cells of a table keep their order
        <Cell key={index} style={{ textAlign: alignments[index] }}>
          {inlineElements(cell, textOf)}
        </Cell>
      ))}
    </tr>
  );
  return (
    <table key={key}>
      <thead>{row(head, "th", 0)}</thead>
      <tbody>{rows.map((cells, index) => row(cells, "td", index))}</tbody>
    </table>
  );
}

const ELSEWHERE = { target: "_blank", rel: "noopener noreferrer nofollow" };

/** Whether a link leads to a conversation of this page, which opens it. */
function isInPage(href: string): boolean {
  return href.startsWith(new URL("#/conversation/", location.href).href);
}

export function inlineElements(inlines: readonly Inline[], textOf: TextOf): ReactNode {
  return inlines.map((inline, key) => {
    if (inline.kind === "text") {
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
      return <Fragment key={key}>{textOf(inline.text)}</Fragment>;
    }
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
    if (inline.kind === "code") return <code key={key}>{inline.text}</code>;
    const inside = inlineElements(inline.inside, "isAddress" in inline ? asWritten : textOf);
    if (inline.kind === "link") {
      return (
        <a
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
          key={key}
          href={inline.href}
          title={inline.title}
          {...(isInPage(inline.href) ? {} : ELSEWHERE)}
        >
          {inside}
        </a>
      );
    }
    const Tag = EMPHASIS[inline.kind];
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
    return <Tag key={key}>{inside}</Tag>;
  });
}
