import type { EmojiData, SkinTone } from "frimousse";
import type { EmojiEntry, EmojiSet } from "../../chat/writing/emoji";

const TONES = ["light", "medium-light", "medium", "medium-dark", "dark"] as const;
type Skins = Record<(typeof TONES)[number], string>;

/** Returns the emoji that this system can draw. */
export function drawable(set: EmojiSet): EmojiSet {
  const newest = newestDrawn(set.emoji);
  return { ...set, emoji: set.emoji.filter(({ version }) => version <= newest) };
}

/** Returns an emoji in the chosen skin tone, if it has skin tones. */
export function inTone({ emoji, skins }: EmojiEntry, tone: SkinTone | undefined): string {
  return skins?.[(TONES as readonly (SkinTone | undefined)[]).indexOf(tone)] ?? emoji;
}

/** Returns the data for the picker. */
export function pickerData({ emoji, groups, skinTones }: EmojiSet): EmojiData {
  return {
    locale: "en",
    categories: [...groups],
    skinTones: skinTones as Skins,
    emojis: emoji.map(({ emoji: sign, group, label, version, tags, skins }) => ({
      emoji: sign,
      category: group,
      label,
      version,
      tags: [...tags],
      skins: skins && (Object.fromEntries(TONES.map((tone, index) => [tone, skins[index] ?? sign])) as Skins),
    })),
  };
}

/**
 * Returns the newest Unicode list of which the system draws an emoji; a font without any of a list has none of later
 * ones.
 */
function newestDrawn(emoji: readonly EmojiEntry[]): number {
  // An unknown sequence of several characters is drawn as its parts.
  const single = emoji.filter(({ emoji: sign }) => [...sign].length === 1);
  const ofVersion = new Map(single.map(({ version, emoji: sign }) => [version, sign]));
  const versions = [...ofVersion.keys()].sort((one, other) => other - one);
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (context === null) return versions[0] ?? 0;
  return versions.find((version) => isDrawn(context, ofVersion.get(version) ?? "")) ?? versions[0] ?? 0;
}

/** An emoji has its own colours, so it looks the same in any text colour; a placeholder does not. */
function isDrawn(context: CanvasRenderingContext2D, sign: string): boolean {
  const [black, white] = ["#000", "#fff"].map((colour) => {
    context.clearRect(0, 0, 24, 24);
    context.font = "20px sans-serif";
    context.textBaseline = "top";
    context.fillStyle = colour;
    context.fillText(sign, 0, 2);
    return context.getImageData(0, 0, 24, 24).data;
  });
  if (black === undefined || white === undefined) return false;
  return black.some((value) => value > 0) && black.every((value, index) => value === white[index]);
}
