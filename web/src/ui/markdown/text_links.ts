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
