import { partsOf } from "./text_links";

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
