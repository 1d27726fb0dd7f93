/**
 * What is in front of the page, such as dialogs, and its entries in the browser's history: one for each, above the
 * entry of the page, with the same address. The browser's Back button leaves the newest entry, which closes what it
 * belongs to.
 */

/** The part of the browser's history that the layers use. */
export interface LayerHistory {
  readonly state: unknown;
  readonly address: string;
  /** Adds an entry, which is reported like a move. */
  visit(address: string): void;
  pushState(state: unknown, unused: string): void;
  replaceState(state: unknown, unused: string): void;
  /** Moves later. The browser reports it with the event `popstate`. */
  go(delta: number): void;
}

/** The property of an entry's state that has its number above the entry of the page. */
const KEY = "layer";

/** Some browsers ignore a request to move, without an event. */
const MOVE_MAX_MS = 1_000;

export interface LayerOptions {
  /**
   * Whether it is a state of the page, such as a filter of a list. It loses its entry when the reader opens something
   * else, and is not closed.
   */
  readonly isOfPage?: boolean;
  /** Called before the Back button closes it. It stays open when this returns true. */
  readonly isKept?: () => boolean;
}

interface Layer {
  readonly close: () => void;
  readonly isOfPage: boolean;
  readonly isKept: () => boolean;
}

export class Layers {
  readonly #history: LayerHistory;
  readonly #hasEntries: boolean;
  /** The newest is last. */
  readonly #open: Layer[] = [];
  /** What happens when the entry of the page is the current one. */
  #waiting: (() => void)[] = [];
  /** What happens when no layer is open. */
  #later: (() => void)[] = [];
  /** Set while the browser moves to an entry that this class has requested. `from`: the address of the entry before. */
  #moving: { readonly timer: ReturnType<typeof setTimeout>; readonly from: string } | null = null;
  /** What a link or a script has opened meanwhile. The requested move leads away from it. */
  #opened: string | null = null;

  /** `hasEntries`: false in a frame, whose history is that of the page around it. */
  constructor(history: LayerHistory, hasEntries: boolean) {
    this.#history = history;
    this.#hasEntries = hasEntries;
    // A reload keeps the entries of what was open.
    this.#settle();
  }

  /** Adds an open layer, which `close` closes. Returns a function that removes the layer after it was closed. */
  add(close: () => void, { isOfPage = false, isKept = () => false }: LayerOptions = {}): () => void {
    const layer = { close, isOfPage, isKept };
    this.#open.push(layer);
    // Later, because one layer may follow another one at once.
    queueMicrotask(() => this.#settle());
    return () => {
      const index = this.#open.indexOf(layer);
      if (index !== -1) this.#open.splice(index, 1);
      queueMicrotask(() => this.#settle());
    };
  }

  /** Whether neither a layer nor an entry of one is above the entry of the page. */
  get isEmpty(): boolean {
    return this.#open.length === 0 && this.#depth === 0 && this.#moving === null;
  }

  /** Closes all layers, and calls `go` when their entries are no longer the current ones: at once if there are none. */
  leave(go: () => void): void {
    this.#waiting.push(go);
    for (const { close, isOfPage } of this.#open.splice(0).reverse()) if (!isOfPage) close();
    this.#settle();
  }

  /** Calls `go` when no layer is open any more: at once if there are none. */
  whenEmpty(go: () => void): void {
    this.#later.push(go);
    this.#settle();
  }

  /** Called when the browser has moved to another entry. */
  moved(): void {
    const { address } = this.#history;
    // The entries of layers have the page's address.
    if (this.#moving !== null && address !== this.#moving.from) {
      this.#opened = address;
      return;
    }
    // The reader has moved, unless this class has requested it.
    if (this.#moving === null) this.#goBackTo(this.#depth);
    this.#stopWaiting();
    this.#settle();
  }

  get #depth(): number {
    const { state } = this.#history;
    const depth = typeof state === "object" && state !== null ? (state as Record<string, unknown>)[KEY] : 0;
    return typeof depth === "number" ? depth : 0;
  }

  /** Closes the layers above this depth, down to one that stays. */
  #goBackTo(depth: number): void {
    const kept = this.#open.findLastIndex(({ isKept }, index) => index >= depth && isKept());
    for (const { close } of this.#open.splice(Math.max(depth, kept + 1)).reverse()) close();
  }

  /** Makes the entries match the open layers. */
  #settle(): void {
    if (this.#moving !== null) return;
    const wanted = this.#waiting.length > 0 ? 0 : this.#open.length;
    if (this.#depth > wanted) {
      this.#moving = { timer: setTimeout(this.#giveUp, MOVE_MAX_MS), from: this.#history.address };
      this.#history.go(wanted - this.#depth);
      return;
    }
    const opened = this.#opened;
    this.#opened = null;
    if (opened !== null && opened !== this.#history.address) this.#history.visit(opened);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
    if (this.#open.length === 0) for (const go of this.#later.splice(0)) go();
    if (!this.#hasEntries) return;
    for (let depth = this.#depth + 1; depth <= this.#open.length; depth++) this.#history.pushState(this.#at(depth), "");
  }

  #at(depth: number): unknown {
    return { ...(this.#history.state as object | null), [KEY]: depth };
  }

  readonly #giveUp = (): void => {
    this.#stopWaiting();
    this.#history.replaceState(this.#at(0), "");
    this.#settle();
  };

  #stopWaiting(): void {
    if (this.#moving !== null) clearTimeout(this.#moving.timer);
    this.#moving = null;
  }
}
