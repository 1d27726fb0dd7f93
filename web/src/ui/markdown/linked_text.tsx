/** A plain text whose web addresses are links. */
export function LinkedText({ text }: { text: string }) {
  return partsOf(text).map(({ part, isAddress }, index) =>
    isAddress ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text keep their order
      <a key={index} href={part} target="_blank" rel="noopener noreferrer nofollow">
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
  readonly isAddress: boolean;
}

/** Punctuation at the end of an address belongs to the sentence. */
const ADDRESS = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?()[\]{}])/i;

/** Returns the parts of a text in their order. */
export function partsOf(text: string): LinkPart[] {
  return text
    .split(ADDRESS)
    .map((part, index) => ({ part, isAddress: index % 2 === 1 }))
    .filter(({ part }) => part !== "");
}
