/** Where the reader left each conversation, also after a reload of the tab. */

import { type ChatPart, storageName } from "@talkwire/client/parts";
import type { PageCore } from "../page_core";

/** Where the reader left a conversation: the topmost message, and how many pixels of it were out of sight. */
export interface ScrollAnchor {
  readonly messageId: string;
  readonly offset: number;
}

export class ScrollAnchors implements ChatPart {
  readonly #core: PageCore;
  #anchors = new Map<string, ScrollAnchor>();

  constructor(core: PageCore) {
    this.#core = core;
  }

  started(): void {
    this.#anchors = new Map(read(this.#key));
    // A browser may end a tab that is out of sight.
    addEventListener("pagehide", this.#save);
    document.addEventListener("visibilitychange", this.#save);
  }

  stopped(): void {
    removeEventListener("pagehide", this.#save);
    document.removeEventListener("visibilitychange", this.#save);
  }

  /** Returns where the reader left a conversation; null: at its end, or never opened. */
  get(conversationId: string): ScrollAnchor | null {
    return this.#anchors.get(conversationId) ?? null;
  }

  /** Sets where the reader is; null: at the end, so that the conversation follows new messages. */
  set(conversationId: string, anchor: ScrollAnchor | null): void {
    if (anchor === null) this.#anchors.delete(conversationId);
    else this.#anchors.set(conversationId, anchor);
  }

  /** Removes what this tab has saved. */
  forget(): void {
    sessionStorage.removeItem(this.#key);
  }

  get #key(): string {
    return storageName(`talkwire-places.${this.#core.now.me.id}`, document.baseURI);
  }

  readonly #save = (): void => {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify([...this.#anchors]));
    } catch {
      // Without storage, a reload opens conversations where the unread messages start.
    }
  };
}

function read(key: string): [string, ScrollAnchor][] {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}
