/** All emoji, loaded on demand, and those that the reader has used recently. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { languageOf } from "../../languages/languages";
import { locale } from "../../languages/locale";
import { repeatable } from "../../repeatable_import";

export interface EmojiEntry {
  readonly emoji: string;
  readonly label: string;
  readonly group: number;
  /** Of the Unicode emoji list that added it. */
  readonly version: number;
  readonly tags: readonly string[];
  /** Short codes, which are typed between colons. */
  readonly codes: readonly string[];
  /** The emoji in five skin tones, from light to dark. */
  readonly skins?: readonly string[];
}

export interface EmojiSet {
  readonly emoji: readonly EmojiEntry[];
  readonly groups: readonly { readonly index: number; readonly label: string }[];
  readonly skinTones: Readonly<Record<string, string>>;
}

/** An entry in a compact form. The texts of a list are joined with bars. */
export type PackedEmoji = readonly [
  emoji: string,
  label: string,
  group: number,
  version: number,
  tags: string,
  codes: string,
  skins?: string,
];

export type PackedSet = Omit<EmojiSet, "emoji"> & { readonly emoji: readonly PackedEmoji[] };

/** The words of another language for the emoji of a set, in the same order. */
export interface EmojiWords extends Pick<EmojiSet, "groups" | "skinTones"> {
  /** The label and the tags of each emoji. */
  readonly words: readonly (readonly [label: string, tags: string])[];
}

/** By language. English is in the set itself. */
const WORDS: Readonly<Record<string, () => Promise<{ default: EmojiWords }>>> = {
  de: repeatable(() => import("virtual:emoji/de")),
  es: repeatable(() => import("virtual:emoji/es")),
  fr: repeatable(() => import("virtual:emoji/fr")),
};

const STORAGE_KEY = "talkwire.emoji";
const RECENT_MAX = 16;

export class EmojiStore {
  readonly recent: StoreApi<readonly string[]> = createStore<readonly string[]>(recentlyUsed);
  #loading: Promise<EmojiSet> | undefined;

  load(): Promise<EmojiSet> {
    this.#loading ??= loaded(languageOf(locale() ?? null) ?? "en");
    // Without a connection the load fails; the next call retries.
    this.#loading.catch(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Records that the reader has used an emoji. */
  used(emoji: string): void {
    const recent = withUsed(this.recent.getState(), emoji);
    this.recent.setState(recent, true);
    localStorage.setItem(STORAGE_KEY, JSON.stringify(recent));
  }
}

const loadSet = repeatable(() => import("virtual:emoji"));

async function loaded(language: string): Promise<EmojiSet> {
  const [{ default: set }, translated] = await Promise.all([loadSet(), WORDS[language]?.()]);
  const english = { ...set, emoji: set.emoji.map(unpacked) };
  return translated === undefined ? english : withWords(english, translated.default);
}

/** Returns the set in another language. The short codes and English tags still find an emoji. */
export function withWords({ emoji }: EmojiSet, { words, groups, skinTones }: EmojiWords): EmojiSet {
  const named = emoji.map((entry, index) => {
    const [label, tags] = words[index] ?? [entry.label, ""];
    return { ...entry, label, tags: [...tags.split("|"), ...entry.tags] };
  });
  return { emoji: named, groups, skinTones };
}

function unpacked([emoji, label, group, version, tags, codes, skins]: PackedEmoji): EmojiEntry {
  const entry = { emoji, label, group, version, tags: tags.split("|"), codes: codes.split("|") };
  return skins === undefined ? entry : { ...entry, skins: skins.split("|") };
}

export function withUsed(recent: readonly string[], emoji: string): string[] {
  return [emoji, ...recent.filter((each) => each !== emoji)].slice(0, RECENT_MAX);
}

function recentlyUsed(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}
