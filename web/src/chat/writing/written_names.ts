/**
 * The names of the conversations in which the reader has written what is not sent yet, in localStorage. They are still
 * known when the reader is no longer in one. The keys are `talkwire.name.USER/CONVERSATION`, with the parts as in URLs.
 */
export class WrittenNames {
  readonly #prefix: string;

  constructor(userId: string) {
    this.#prefix = `talkwire.name.${encodeURIComponent(userId)}/`;
  }

  /** Returns the last known name of a conversation; empty if it is not known. */
  get(conversationId: string): string {
    return localStorage.getItem(this.#key(conversationId)) ?? "";
  }

  keep(conversationId: string, name: string): void {
    if (name === this.get(conversationId)) return;
    try {
      localStorage.setItem(this.#key(conversationId), name);
    } catch {
      // The storage is full: the page that finds what was left says that it does not know the name.
    }
  }

  remove(conversationId: string): void {
    localStorage.removeItem(this.#key(conversationId));
  }

  /** Removes all names but those of some conversations. */
  removeOthers(conversationIds: ReadonlySet<string>): void {
    const kept = new Set([...conversationIds].map((id) => this.#key(id)));
    const keys = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? "");
    for (const key of keys) if (key.startsWith(this.#prefix) && !kept.has(key)) localStorage.removeItem(key);
  }

  #key(conversationId: string): string {
    return this.#prefix + encodeURIComponent(conversationId);
  }
}
