/**
 * Provides the module `virtual:emoji`: the part of emojibase's data that the client shows, and `virtual:emoji/de` and
 * others: the words of a language for it.
 */

import dataDe from "emojibase-data/de/data.json" with { type: "json" };
import messagesDe from "emojibase-data/de/messages.json" with { type: "json" };
import data from "emojibase-data/en/data.json" with { type: "json" };
import messages from "emojibase-data/en/messages.json" with { type: "json" };
import codes from "emojibase-data/en/shortcodes/github.json" with { type: "json" };
import dataEs from "emojibase-data/es/data.json" with { type: "json" };
import messagesEs from "emojibase-data/es/messages.json" with { type: "json" };
import dataFr from "emojibase-data/fr/data.json" with { type: "json" };
import messagesFr from "emojibase-data/fr/messages.json" with { type: "json" };
import type { Plugin } from "vite";
import type { EmojiWords, PackedEmoji, PackedSet } from "./src/chat/writing/emoji";

const NAME = "virtual:emoji";
const FOUND_AS = `\0${NAME}`;

const TRANSLATED = {
  de: { data: dataDe, messages: messagesDe },
  es: { data: dataEs, messages: messagesEs },
  fr: { data: dataFr, messages: messagesFr },
};

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
    resolveId: (id) => (id === NAME || id.startsWith(`${NAME}/`) ? `\0${id}` : undefined),
    load: (id) => {
      if (id === FOUND_AS) return moduleOf(emojiSet());
      const language = id.startsWith(FOUND_AS) ? id.slice(FOUND_AS.length + 1) : "";
      return language in TRANSLATED ? moduleOf(wordsIn(language as keyof typeof TRANSLATED)) : undefined;
    },
  };
}

// Parsing a JSON text is faster than running the equivalent program.
const moduleOf = (value: unknown): string => `export default JSON.parse(${JSON.stringify(JSON.stringify(value))});`;

/** Returns the words of a language, in the order of the emoji of `emojiSet`. */
function wordsIn(language: keyof typeof TRANSLATED): EmojiWords {
  const { data: translated, messages: named } = TRANSLATED[language];
  const known = new Map((translated as Known[]).map((each) => [each.hexcode, each]));
  return {
    words: (data as Known[])
      .filter(({ group }) => group !== undefined)
      .map(({ hexcode, label }) => {
        const found = known.get(hexcode);
        return [capitalised(found?.label ?? label), (found?.tags ?? []).join("|")];
      }),
    groups: namesIn(named.groups),
    skinTones: tonesIn(named.skinTones),
  };
}

const namesIn = (groups: typeof messages.groups): PackedSet["groups"] =>
  groups
    .filter(({ key }) => key !== "component")
    .map(({ order, message }) => ({ index: order, label: capitalised(message) }));

const tonesIn = (tones: typeof messages.skinTones): PackedSet["skinTones"] =>
  Object.fromEntries(tones.map(({ key, message }) => [key, capitalised(message)]));

function emojiSet(): PackedSet {
  return {
    emoji: (data as Known[]).flatMap(entryOf),
    groups: namesIn(messages.groups),
    skinTones: tonesIn(messages.skinTones),
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
