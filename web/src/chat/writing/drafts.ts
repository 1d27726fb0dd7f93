/**
 * What the reader has written and not sent yet, in localStorage: drafts, and the messages that they edit or reply to.
 *
 * - Each tab saves a value under a key of its own: `talkwire.KIND.USER/PLACE/TAB`, with the parts as in URLs. So no tab
 *   overwrites what is written in another one, and a reload of a tab shows the tab's own value again.
 * - A tab without a value of its own takes the newest one of the place, which may be of a tab that was closed.
 * - A tab removes only what it has saved itself, and the value that it took over, unless that has changed meanwhile.
 *   A tab that shows what it has written saves it again when another tab has taken it over, until it was sent.
 * - When the reader goes on in another tab with what this tab has written, this tab gives its own value up and follows.
 * - A tab in which the reader has written nothing since the place was opened follows the other tabs.
 */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Composing } from "../page_core";
import { tabId } from "./tab_id";

type Kind = "draft" | "composing" | "begun";

/** A value as it is stored, with the time of the last change. */
interface Saved {
  readonly at: number;
  readonly value: string;
}

/** A message that is edited or replied to, with the edited text. */
type SavedComposing = Composing & { readonly text?: string };

const PREFIX = "talkwire.";
/** Earlier versions had one value for all tabs. Their edits were a value of their own, which is only removed. */
const FORMER_KINDS = ["draft", "composing", "edit"];

export interface DraftsOptions {
  /** Whether the user is still signed in, perhaps only in other tabs. */
  readonly isSignedIn: () => boolean;
  /** Called when another tab has changed what the reader edits or replies to, or their draft. */
  readonly onChange?: (kind: Kind, place: string) => void;
  /** Whether this tab shows what is written in a place. */
  readonly isShown?: (kind: Kind, place: string) => boolean;
  readonly storage?: Storage;
  readonly tab?: string;
}

export class Drafts {
  /** The places of the threads that have a draft, in any tab. */
  readonly threads: StoreApi<ReadonlySet<string>>;
  /** Called when the reader has written something in a place. */
  onSaved: (place: string) => void = () => undefined;
  readonly #userId: string;
  readonly #options: DraftsOptions;
  /** What this tab has saved, as it is stored, by key. */
  readonly #own = new Map<string, string>();
  /** What this tab has taken over: the key and the stored value, by the tab's own key. */
  readonly #taken = new Map<string, { readonly key: string; readonly stored: string }>();
  /** The places in which the reader has changed something since they were opened, by the tab's own key. */
  readonly #touched = new Set<string>();
  readonly #listeners = new Map<string, Set<() => void>>();
  #isOver = false;

  constructor(userId: string, options: DraftsOptions) {
    this.#userId = userId;
    this.#options = options;
    const places = this.#all().flatMap(({ kind, place }) => (isThread(kind, place) ? [place] : []));
    this.threads = createStore<ReadonlySet<string>>(() => new Set(places));
  }

  get #storage(): Storage {
    return this.#options.storage ?? localStorage;
  }

  started(): void {
    addEventListener("storage", this.changed);
  }

  stopped(): void {
    removeEventListener("storage", this.changed);
  }

  /** Returns the draft that a composer shows when it is opened. `place`: the conversation or thread. */
  open(place: string): string {
    return this.#open("draft", place) ?? "";
  }

  /** Returns the draft that a composer shows by now, for example after a message was edited there. */
  current(place: string): string {
    const key = this.#key("draft", place);
    return this.#touched.has(key) && !this.#own.has(key) ? "" : this.open(place);
  }

  /** Returns the draft of this tab, otherwise the newest one. */
  peek(place: string): string {
    return this.#find("draft", place)?.value ?? "";
  }

  /** Returns the draft of a conversation, otherwise the text of a message that the reader has begun to change there. */
  unfinished(conversationId: string): string {
    const draft = this.peek(conversationId);
    if (draft !== "") return draft;
    const { message, text = "" } = parsed(this.#find("composing", conversationId)?.value ?? null) ?? {};
    return text === message?.content ? "" : text;
  }

  save(place: string, text: string): void {
    this.#save("draft", place, text === "" ? null : text);
  }

  /** Another tab or device has sent a message: a draft with the same text is done. */
  sentElsewhere(place: string, content: string): void {
    const key = this.#key("draft", place);
    if (!this.#own.has(key) || this.#read(key)?.value.trim() !== content.trim()) return;
    this.save(place, "");
    for (const listener of this.#listeners.get(place) ?? []) listener();
  }

  /** Returns whether this tab has a draft of its own in a conversation or one of its threads. */
  isWritten(conversationId: string): boolean {
    const start = this.#key("draft", conversationId, "").slice(0, -1);
    return [...this.#own.keys()].some((key) => key.startsWith(`${start}/`) || key.startsWith(`${start}%20`));
  }

  /** Adds a text to a draft, also on the screen. */
  append(place: string, text: string): void {
    this.replace(place, [this.current(place), text].filter((each) => each !== "").join("\n"));
  }

  /** Saves a draft, and shows it in its composer. */
  replace(place: string, text: string): void {
    this.save(place, text);
    for (const listener of this.#listeners.get(place) ?? []) listener();
  }

  /** Calls `changed` when the draft was changed elsewhere than in its composer. Returns a function that ends this. */
  follow(place: string, changed: () => void): () => void {
    const listeners = this.#listeners.get(place) ?? new Set();
    this.#listeners.set(place, listeners.add(changed));
    return () => {
      listeners.delete(changed);
      if (listeners.size === 0) this.#listeners.delete(place);
    };
  }

  /** Returns the message that the reader edits or replies to in a conversation, as it was when they started. */
  openComposing(conversationId: string): Composing | null {
    const { text: _, ...composing } = parsed(this.#open("composing", conversationId)) ?? { kind: null };
    return composing.kind === null ? null : (composing as Composing);
  }

  /** Saves the message that the reader edits or replies to; null removes it. */
  saveComposing(conversationId: string, composing: SavedComposing | null): void {
    this.#save("composing", conversationId, composing === null ? null : JSON.stringify(composing));
  }

  /** Returns the new text of an edited message; null when nothing was changed yet. */
  editOf({ id, conversationId }: Composing["message"]): string | null {
    const saved = parsed(this.#find("composing", conversationId)?.value ?? null);
    return saved?.kind === "edit" && saved.message.id === id ? (saved.text ?? null) : null;
  }

  /** Returns what was noted when the draft of a place was begun; null: nothing. It belongs to a tab as the draft does. */
  begun(place: string): string | null {
    return this.#open("begun", place);
  }

  /** Notes something about the moment in which a draft was begun; null removes it. */
  saveBegun(place: string, value: string | null): void {
    this.#save("begun", place, value);
  }

  /** Returns the places with a draft or a changed message, of all tabs. */
  places(): Set<string> {
    const places = new Set<string>();
    for (const { key, kind, place } of this.#all()) {
      const saved = this.#read(key);
      if (saved === null) continue;
      if (kind === "draft") places.add(place);
      else if (parsed(saved.value)?.text !== undefined) places.add(place);
    }
    return places;
  }

  /** Returns the drafts and changed texts of a conversation and its threads, of all tabs. */
  textsOf(conversationId: string): string[] {
    const texts = this.#allOf(conversationId).map(({ key, kind }) => {
      const value = this.#read(key)?.value ?? "";
      return kind === "draft" ? value : (parsed(value)?.text ?? "");
    });
    return [...new Set(texts)].filter((text) => text.trim() !== "");
  }

  /** Removes what all tabs have saved of a conversation and its threads. */
  removeOf(conversationId: string): void {
    for (const { key } of this.#allOf(conversationId)) {
      this.#own.delete(key);
      this.#storage.removeItem(key);
    }
  }

  /** Removes what all tabs have saved of a place. */
  removeAt(place: string): void {
    for (const { key, kind } of this.#all().filter((each) => each.place === place)) {
      this.#own.delete(key);
      this.#storage.removeItem(key);
      this.#noteThread(kind, place);
    }
  }

  /** Removes what all tabs have saved of the user. Nothing is saved afterwards. */
  remove(): void {
    this.#isOver = true;
    for (const { key } of this.#all()) this.#storage.removeItem(key);
    this.threads.setState(new Set(), true);
    for (const kind of FORMER_KINDS)
      for (const key of keysOf(this.#storage, `${PREFIX}${kind}.${this.#userId}.`)) this.#storage.removeItem(key);
  }

  /** Handles a change by another tab. */
  readonly changed = ({ key }: Pick<StorageEvent, "key">): void => {
    const at = key === null ? undefined : this.#parse(key);
    if (key === null || at === undefined || this.#isOver) return;
    const { kind, place } = at;
    this.#noteThread(kind, place);
    const ownKey = this.#key(kind, place);
    const own = this.#own.get(ownKey);
    if (own !== undefined && key === ownKey) {
      if (this.#storage.getItem(ownKey) !== null) return;
      if (this.#isShown(kind, place) && this.#options.isSignedIn()) this.#write(ownKey, own);
      else this.#own.delete(ownKey);
      return;
    }
    if (own !== undefined && kind === "draft" && this.#isContinued(ownKey, key)) {
      this.#own.delete(ownKey);
      this.#touched.delete(ownKey);
      this.#storage.removeItem(ownKey);
    }
    if (!this.#own.has(ownKey) && !this.#touched.has(ownKey)) {
      for (const listener of (kind === "draft" && this.#listeners.get(place)) || []) listener();
      this.#options.onChange?.(kind, place);
    }
  };

  /** Returns whether the draft of another tab is newer than this tab's own, and continues at least half of it. */
  #isContinued(ownKey: string, otherKey: string): boolean {
    const own = this.#read(ownKey);
    const other = this.#read(otherKey);
    if (own === null || other === null || other.at <= own.at) return false;
    return other.value.startsWith(own.value.slice(0, Math.ceil(own.value.length / 2)));
  }

  #isShown(kind: Kind, place: string): boolean {
    return kind === "draft" ? this.#listeners.has(place) : this.#options.isShown?.(kind, place) === true;
  }

  /** Returns a value, and takes the newest one over where this tab has none. */
  #open(kind: Kind, place: string): string | null {
    const ownKey = this.#key(kind, place);
    this.#touched.delete(ownKey);
    this.#taken.delete(ownKey);
    const found = this.#find(kind, place);
    if (found === undefined) return null;
    if (found.key === ownKey) this.#own.set(ownKey, found.stored);
    else this.#taken.set(ownKey, found);
    return found.value;
  }

  #save(kind: Kind, place: string, value: string | null): void {
    if (this.#isOver) return;
    const ownKey = this.#key(kind, place);
    this.#touched.add(ownKey);
    const taken = this.#taken.get(ownKey);
    if (taken !== undefined && this.#storage.getItem(taken.key) === taken.stored) this.#storage.removeItem(taken.key);
    this.#taken.delete(ownKey);
    if (value === null) {
      this.#own.delete(ownKey);
      this.#storage.removeItem(ownKey);
    } else {
      const stored = JSON.stringify({ at: Date.now(), value } satisfies Saved);
      this.#own.set(ownKey, stored);
      this.#write(ownKey, stored);
      this.onSaved(place);
    }
    this.#noteThread(kind, place);
  }

  /** Notes whether a thread has a draft. */
  #noteThread(kind: Kind, place: string): void {
    if (!isThread(kind, place)) return;
    const known = this.threads.getState();
    const hasDraft = this.#find(kind, place) !== undefined;
    if (known.has(place) === hasDraft) return;
    this.threads.setState(new Set([...known].filter((each) => each !== place).concat(hasDraft ? place : [])), true);
  }

  #write(key: string, stored: string): void {
    try {
      this.#storage.setItem(key, stored);
    } catch {
      // The storage is full: the text stays on the screen, and does not outlive a reload.
    }
  }

  /** Returns what this tab has saved, otherwise the newest value of the place. */
  #find(kind: Kind, place: string): { key: string; stored: string; value: string } | undefined {
    const ownKey = this.#key(kind, place);
    const found = [...keysOf(this.#storage, this.#key(kind, place, "")), this.#formerKey(kind, place)];
    let newest: { key: string; stored: string; saved: Saved } | undefined;
    for (const key of found) {
      const saved = this.#read(key);
      const stored = this.#storage.getItem(key);
      if (saved === null || stored === null) continue;
      if (key === ownKey) return { key, stored, value: saved.value };
      if (newest === undefined || saved.at > newest.saved.at) newest = { key, stored, saved };
    }
    return newest && { key: newest.key, stored: newest.stored, value: newest.saved.value };
  }

  /** Returns a stored value; one of an earlier version is older than all others. */
  #read(key: string): Saved | null {
    const stored = this.#storage.getItem(key);
    if (stored === null) return null;
    if (this.#parse(key) === undefined) return { at: 0, value: stored };
    try {
      return JSON.parse(stored) as Saved;
    } catch {
      return null;
    }
  }

  #allOf(conversationId: string): { key: string; kind: Kind }[] {
    return this.#all().filter(({ place }) => conversationOf(place) === conversationId);
  }

  #all(): { key: string; kind: Kind; place: string }[] {
    return keysOf(this.#storage, PREFIX).flatMap((key) => {
      const at = this.#parse(key);
      return at === undefined ? [] : [{ key, ...at }];
    });
  }

  #key(kind: Kind, place: string, tab = this.#options.tab ?? tabId()): string {
    return `${PREFIX}${kind}.${[this.#userId, place, tab].map(encodeURIComponent).join("/")}`;
  }

  #formerKey(kind: Kind, place: string): string {
    return `${PREFIX}${kind}.${this.#userId}.${place.replace(" ", ".")}`;
  }

  /** Returns what a key of this user is about; undefined for any other key. */
  #parse(key: string): { kind: Kind; place: string } | undefined {
    const [, kind, user = "", place = "", tab] =
      /^talkwire\.(draft|composing|begun)\.([^/]+)\/([^/]+)\/([^/]+)$/.exec(key) ?? [];
    if (tab === undefined || user !== encodeURIComponent(this.#userId)) return undefined;
    return { kind: kind as Kind, place: decodeURIComponent(place) };
  }
}

/** Returns the id of the conversation of a place, which may be a thread. */
export function conversationOf(place: string): string {
  return place.split(" ", 1)[0] ?? place;
}

/** Returns whether a value is the draft of a thread, whose place has two parts. */
const isThread = (kind: Kind, place: string): boolean => kind === "draft" && place.includes(" ");

function parsed(value: string | null): SavedComposing | null {
  try {
    return JSON.parse(value ?? "null") as SavedComposing | null;
  } catch {
    return null;
  }
}

function keysOf(storage: Storage, prefix: string): string[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(prefix));
}
