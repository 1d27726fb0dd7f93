/** Sent files: their URLs, and the picture that is open. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { download } from "../../server/download";
import type { Attachment } from "../../server/payloads";
import type { Core } from "../core";
import { own } from "../own";

/** The picture that is open, and those before and after it. */
export interface Viewing {
  readonly pictures: readonly Attachment[];
  readonly index: number;
}

export class Files {
  readonly viewing: StoreApi<Viewing | null> = createStore<Viewing | null>(() => null);
  readonly #core: Core;
  readonly #urls = new Map<string, string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Returns the URL from which the browser loads a file. It stays the same until the page is reloaded, although tokens
   * change: the browser's cache would not recognize another URL.
   */
  urlOf(path: string): string {
    const known = this.#urls.get(path);
    if (known !== undefined) return known;
    const fileUrl = this.#core.api.authenticatedUrl(path);
    this.#urls.set(path, fileUrl);
    return fileUrl;
  }

  /** Returns another URL after the first one failed, because its token may have expired. */
  async renewedUrlOf(path: string): Promise<string> {
    await this.#core.api.freshSession();
    this.#urls.delete(path);
    return this.urlOf(path);
  }

  /** Downloads a file. */
  async download({ url, name }: Attachment): Promise<void> {
    await this.#core.attempt(() => download(this.#core.api, url, name));
  }

  /** Opens a picture, among all loaded pictures of its conversation. */
  view(conversationId: string, picture: Attachment, besides: readonly Attachment[]): void {
    const messages = own(this.#core.now.timelines, conversationId)?.messages ?? [];
    const all = messages.flatMap(({ attachments = [] }) => attachments.filter(isPicture));
    const pictures = all.includes(picture) ? all : besides.filter(isPicture);
    this.viewing.setState({ pictures, index: pictures.indexOf(picture) }, true);
  }

  /** Moves to another picture, within bounds. */
  step(by: number): void {
    const now = this.viewing.getState();
    if (now === null) return;
    const index = Math.min(now.pictures.length - 1, Math.max(0, now.index + by));
    this.viewing.setState({ ...now, index }, true);
  }

  close(): void {
    this.viewing.setState(null, true);
  }
}

/** Returns whether the server made a thumbnail of the file, and so considers it a safe picture. */
export function isPicture({ thumbnailUrl }: Attachment): boolean {
  return thumbnailUrl !== undefined;
}
