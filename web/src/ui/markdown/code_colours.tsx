import { common, createLowlight } from "lowlight";
import { Fragment, type ReactNode } from "react";
import { PacedWork } from "./paced_work";

// The time for Markdown grows with the cube of its length.
const { markdown: _, ...languages } = common;
const lowlight = createLowlight(languages);

/** As long as a piece of a message. The time for many languages grows with the square of the length. */
const COLOURED_MAX = 4_000;
/** No line that is written by hand is as long, and most languages take the square of its length. */
const LINE_MAX = 500;

/** The blocks of code of the whole page. */
export const colouring = new PacedWork();

type Node = ReturnType<typeof lowlight.highlight>["children"][number];

/** Returns code with elements around its keywords, strings and so on; null where it stays plain. */
export function colouredCode(code: string, language: string): ReactNode {
  if (code.length > COLOURED_MAX || !lowlight.registered(language)) return null;
  if (code.split("\n").some(({ length }) => length > LINE_MAX)) return null;
  return lowlight.highlight(language, code).children.map(elementOf);
}

function elementOf(node: Node, index: number): ReactNode {
  if (node.type === "text") return <Fragment key={index}>{node.value}</Fragment>;
  if (node.type !== "element") return null;
  const { className } = node.properties;
  const classes = Array.isArray(className) ? className.join(" ") : undefined;
  return (
    <span key={index} className={classes}>
      {node.children.map(elementOf)}
    </span>
  );
}
