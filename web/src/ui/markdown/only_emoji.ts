/** More emoji than these are a text. */
const SHOWN_LARGE_MAX = 8;

const EMOJI =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3)/u;

/** Returns whether a text consists of a few emoji, which are shown large. */
export function isOnlyEmoji(text: string): boolean {
  // Long enough for the longest emoji, a family with skin tones.
  if (text.length > SHOWN_LARGE_MAX * 20) return false;
  const characters = [...new Intl.Segmenter().segment(text)]
    .map(({ segment }) => segment)
    .filter((each) => each.trim() !== "");
  return characters.length > 0 && characters.length <= SHOWN_LARGE_MAX && characters.every((each) => EMOJI.test(each));
}
