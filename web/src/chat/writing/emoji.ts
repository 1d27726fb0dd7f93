/** All emoji, loaded on demand, and those that the reader has used recently. */

import { createStore, type StoreApi } from "zustand/vanilla";

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

const STORAGE_KEY = "talkwire.emoji";
const RECENT_MAX = 16;

export class EmojiStore {
  readonly recent: StoreApi<readonly string[]> = createStore<readonly string[]>(recentlyUsed);
  #loading: Promise<EmojiSet> | undefined;

  load(): Promise<EmojiSet> {
    this.#loading ??= import("virtual:emoji").then(({ default: set }) => ({ ...set, emoji: set.emoji.map(unpacked) }));
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
