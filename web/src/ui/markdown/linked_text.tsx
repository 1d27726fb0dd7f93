import { ADDRESS_START, endOfAddress, hrefOf } from "../../chat/markdown/addresses";

/** A plain text whose web addresses are links. */
export function LinkedText({ text }: { text: string }) {
  return partsOf(text).map(({ part, href }, index) =>
    href !== undefined ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
      <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">
        {part}
      </a>
    ) : (
      part
    ),
  );
}

/** Finds the web addresses in a plain text. */

export interface LinkPart {
  readonly part: string;
  /** Where an address leads. */
  readonly href?: string;
}

/** Returns the parts of a text in their order. */
export function partsOf(text: string): LinkPart[] {
  const parts: LinkPart[] = [];
  let at = 0;
  for (const { index, 0: start } of text.matchAll(new RegExp(ADDRESS_START, "giu"))) {
    const end = index < at ? index : endOfAddress(text, index, start);
    if (end === index) continue;
    if (index > at) parts.push({ part: text.slice(at, index) });
    const part = text.slice(index, end);
    parts.push({ part, href: hrefOf(part) });
    at = end;
  }
  return at < text.length ? [...parts, { part: text.slice(at) }] : parts;
}
