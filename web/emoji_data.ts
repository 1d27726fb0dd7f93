/** Provides the module `virtual:emoji`: the part of emojibase's data that the client shows. */

import data from "emojibase-data/en/data.json" with { type: "json" };
import messages from "emojibase-data/en/messages.json" with { type: "json" };
import codes from "emojibase-data/en/shortcodes/github.json" with { type: "json" };
import type { Plugin } from "vite";
import type { PackedEmoji, PackedSet } from "./src/chat/writing/emoji";

const NAME = "virtual:emoji";
const FOUND_AS = `\0${NAME}`;

interface Known {
  emoji: string;
  hexcode: string;
  label: string;
  group?: number;
  version: number;
  tags?: string[];
  skins?: { emoji: string; tone?: number | number[] }[];
}

export function emojiData(): Plugin {
  return {
    name: "emoji-data",
    resolveId: (id) => (id === NAME ? FOUND_AS : undefined),
    // Parsing a JSON text is faster than running the equivalent program.
    load: (id) =>
      id === FOUND_AS ? `export default JSON.parse(${JSON.stringify(JSON.stringify(emojiSet()))});` : undefined,
  };
}

function emojiSet(): PackedSet {
  return {
    emoji: (data as Known[]).flatMap(entryOf),
    groups: messages.groups
      .filter(({ key }) => key !== "component")
      .map(({ order, message }) => ({ index: order, label: capitalised(message) })),
    skinTones: Object.fromEntries(messages.skinTones.map(({ key, message }) => [key, capitalised(message)])),
  };
}

function entryOf({ emoji, hexcode, label, group, version, tags = [], skins = [] }: Known): PackedEmoji[] {
  if (group === undefined) return [];
  const known = (codes as Record<string, string | string[]>)[hexcode];
  const words = known === undefined ? [label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")] : [known].flat();
  const entry = [emoji, capitalised(label), group, version, tags.join("|"), words.join("|")] as const;
  const inColours = skins.filter(({ tone }) => typeof tone === "number").map((skin) => skin.emoji);
  return [inColours.length === 5 ? [...entry, inColours.join("|")] : entry];
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
