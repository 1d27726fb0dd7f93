/**
 * The pages of a browser that share an outbox's store. Each holds a lock for as long as it is open. Others wait for that
 * lock, and so learn that the page is gone, whatever has ended it: one of them takes over what it has not sent. Without
 * locks, as in pages without HTTPS, the next page that is loaded does.
 */

import { randomId } from "../platform.ts";

export interface OtherPages {
  /** A page is gone. No other page is notified before this one has handled it. */
  readonly gone: (page: string) => Promise<void>;
  /** Another page has removed an entry. */
  readonly removed: (clientMessageId: string, isSent: boolean) => void;
}

/** What pages tell each other: that they have stored an entry, or removed one. */
interface News {
  readonly page: string;
  readonly removed?: string;
  readonly isSent?: boolean;
}

export class OutboxPages {
  /** Names this page in the entries that it has stored. */
  readonly id = randomId();
  readonly #name: string;
  readonly #followed = new Set([this.id]);
  readonly #stopped = new AbortController();
  #locks: LockManager | undefined;
  #others: OtherPages | undefined;
  #channel: BroadcastChannel | undefined;

  /** `name`: the same in all pages that share the store. */
  constructor(name: string) {
    this.#name = `talkwire.outbox ${name}`;
  }

  start(others: OtherPages): void {
    const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
    if (locks === undefined || this.#others !== undefined) return;
    this.#locks = locks;
    this.#others = others;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: MessageEvent<News>) => {
      this.follow(data.page);
      if (data.removed !== undefined) others.removed(data.removed, data.isSent === true);
    };
    // Also after the session's end: what is stored then is for the next session, and not for other pages.
    void locks.request(this.#lockOf(this.id), () => new Promise(() => undefined)).catch(() => undefined);
  }

  stop(): void {
    this.#stopped.abort();
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Takes the entries of a page over when it is gone. */
  follow(page: string | undefined): void {
    const { signal } = this.#stopped;
    const others = this.#others;
    if (page === undefined || others === undefined || signal.aborted || this.#followed.has(page)) return;
    this.#followed.add(page);
    void this.#locks?.request(this.#lockOf(page), { signal }, () => others.gone(page)).catch(() => undefined);
  }

  /** This page has stored an entry. */
  stored(): void {
    this.#tell({ page: this.id });
  }

  /** This page has removed an entry. */
  removed(removed: string, isSent: boolean): void {
    this.#tell({ page: this.id, removed, isSent });
  }

  #tell(news: News): void {
    this.#channel?.postMessage(news);
  }

  #lockOf(page: string): string {
    return `${this.#name} ${page}`;
  }
}
