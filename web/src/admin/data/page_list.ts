/** A list that the server hands out page by page. */

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  /** Nodes that are alive, but did not answer: what they have is missing. */
  readonly silentNodes?: readonly string[];
}

export interface ListState<T> {
  readonly items: readonly T[];
  /** Whether the first page of the current source is shown. The items before it stay until then. */
  readonly isLoaded: boolean;
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  /** Nodes whose items are missing. */
  readonly silentNodes: readonly string[];
  /** Why the last request failed; empty when it did not. */
  readonly problem: string;
}

export type PageSource<T> = (cursor: string | null) => Promise<Page<T>>;

const NOTHING = { items: [], silentNodes: [], isLoaded: false, isLoading: false, hasMore: false, problem: "" };

export class PageList<T> {
  #state: ListState<T> = NOTHING;
  #source: PageSource<T> | null = null;
  #next: string | null = null;
  #pages = 0;
  /** Counts requests, so that the answer to an older one is dropped. */
  #request = 0;
  readonly #listeners = new Set<() => void>();

  get state(): ListState<T> {
    return this.#state;
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  /** Loads the first page of another source. */
  async show(source: PageSource<T>): Promise<void> {
    this.#source = source;
    this.#set({ isLoaded: false });
    await this.reload();
  }

  /** Loads the first page again; the others go. */
  async reload(): Promise<void> {
    const page = await this.#load(null);
    if (page === null) return;
    this.#pages = 1;
    this.#set({ items: page.items, isLoaded: true });
  }

  /** Loads the first page again, unless the reader has loaded more or a request is in flight. */
  async refresh(): Promise<void> {
    if (this.#pages === 1 && !this.#state.isLoading) await this.reload();
  }

  /** Appends the next page. */
  async more(): Promise<void> {
    if (this.#next === null || this.#state.isLoading) return;
    const page = await this.#load(this.#next);
    if (page === null) return;
    this.#pages += 1;
    this.#set({ items: [...this.#state.items, ...page.items] });
  }

  async #load(cursor: string | null): Promise<Page<T> | null> {
    if (this.#source === null) return null;
    this.#request += 1;
    const request = this.#request;
    this.#set({ isLoading: true });
    try {
      const page = await this.#source(cursor);
      if (request !== this.#request) return null;
      this.#next = page.next;
      this.#set({
        isLoading: false,
        problem: "",
        hasMore: page.next !== null,
        silentNodes: page.silentNodes ?? [],
      });
      return page;
    } catch (error) {
      if (request === this.#request) this.#set({ isLoading: false, problem: (error as Error).message });
      return null;
    }
  }

  #set(changes: Partial<ListState<T>>): void {
    this.#state = { ...this.#state, ...changes };
    for (const changed of this.#listeners) changed();
  }
}
