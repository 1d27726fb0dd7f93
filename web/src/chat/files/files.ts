/** Files that were sent: where they are, and the one that is looked at. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Attachment } from "../../server/payloads";
import type { Core } from "../core";
import { own } from "../own";

/** A picture that is shown in full, and those around it. */
export interface Viewing {
  readonly pictures: readonly Attachment[];
  readonly index: number;
}

export class Files {
  readonly viewing: StoreApi<Viewing | null> = createStore<Viewing | null>(() => null);
  readonly #core: Core;
  readonly #addresses = new Map<string, string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Where the browser loads something from. It stays the same as long as the page does, though tokens change: under
   * another address the browser would not know what it has loaded already.
   */
  addressOf(path: string): string {
    const known = this.#addresses.get(path);
    if (known !== undefined) return known;
    const address = this.#core.api.authenticatedUrl(path);
    this.#addresses.set(path, address);
    return address;
  }

  /** The address to load from when the one before did not go: its token may have ended. */
  async renewedAddressOf(path: string): Promise<string> {
    await this.#core.api.freshSession();
    this.#addresses.delete(path);
    return this.addressOf(path);
  }

  /** Has the browser save a file. */
  async download({ url, name }: Attachment): Promise<void> {
    await this.#core.attempt(async () => {
      await this.#core.api.freshSession();
      const link = document.createElement("a");
      link.href = this.#core.api.authenticatedUrl(url);
      link.download = name;
      link.click();
    });
  }

  /** Shows a picture in full, among all of its conversation that are here. */
  view(conversationId: string, picture: Attachment, besides: readonly Attachment[]): void {
    const messages = own(this.#core.now.timelines, conversationId)?.messages ?? [];
    const all = messages.flatMap(({ attachments = [] }) => attachments.filter(isPicture));
    const pictures = all.includes(picture) ? all : besides.filter(isPicture);
    this.viewing.setState({ pictures, index: pictures.indexOf(picture) }, true);
  }

  /** Goes so many pictures on, as far as there are any. */
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

/** Whether the server made a thumbnail of it, and so a safe picture. */
export function isPicture({ thumbnailUrl }: Attachment): boolean {
  return thumbnailUrl !== undefined;
}
