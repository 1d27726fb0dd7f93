import { common, createLowlight } from "lowlight";
import { Fragment, type ReactNode } from "react";

const lowlight = createLowlight(common);

type Node = ReturnType<typeof lowlight.highlight>["children"][number];

/** Returns code with elements around its keywords, strings and so on; null for an unknown language. */
export function colouredCode(code: string, language: string): ReactNode {
  return lowlight.registered(language) ? lowlight.highlight(language, code).children.map(elementOf) : null;
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
