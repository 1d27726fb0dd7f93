/** The reader's uploads, from the composer into messages. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { withLock } from "../../secure_context_fallbacks";
import { RequestError, UNREACHABLE } from "../../server/request_error";
import { texts } from "../../texts";
import type { ChatPart, Core } from "../core";
import type { OutboxEntry } from "../outbox/outbox";
import { readableSize } from "./file_size";
import { type PendingFile, UploadQueue } from "./upload_queue";
import { IndexedDbUploadStore } from "./upload_store";

/** The server's limit for one message. */
export const FILES_MAX = 20;

/** Returns where a composer's files belong: to a conversation, or to one of its threads. */
export function placeOf(conversationId: string, threadId?: string): string {
  return threadId === undefined ? conversationId : `${conversationId} ${threadId}`;
}

export class Uploads implements ChatPart {
  readonly state: StoreApi<readonly PendingFile[]> = createStore<readonly PendingFile[]>(() => []);
  /** Called when an outbox entry may have all of its files. */
  onProgress: () => void = () => undefined;
  readonly #queue: UploadQueue;
  #maxSize: number | null = null;

  constructor(core: Core) {
    this.#queue = new UploadQueue({
      userId: core.now.me.id,
      store: new IndexedDbUploadStore(),
      send: async (...args) => {
        const { upload } = await import("../../server/upload").catch(() => {
          throw new RequestError({ code: UNREACHABLE, message: texts.fileState.stalled });
        });
        return upload(core.api, ...args);
      },
      onChange: (files) => {
        const before = this.state.getState();
        this.state.setState(files, true);
        if (files.some((file) => file.done && before.find(({ id }) => id === file.id)?.done !== true))
          this.onProgress();
      },
      check: async ({ size }) => {
        this.#maxSize ??= await core.api.maxFileSize();
        const limit = this.#maxSize;
        return limit !== null && size > limit ? texts.fileTooLarge(readableSize(limit)) : null;
      },
      remove: (id) => void core.api.dropFile(id),
      withLock,
    });
  }

  connected(): void {
    this.#queue.wake();
  }

  stopped(): void {
    this.#queue.stop();
  }

  /** Restores the uploads that an earlier page has stored. */
  start(): Promise<void> {
    return this.#queue.start();
  }

  /** Reconciles the stored uploads with the stored outbox entries, which are stored apart. */
  reconcile(letters: readonly OutboxEntry[]): void {
    for (const { attachments = [], clientMessageId } of letters) this.#queue.assign(attachments, clientMessageId);
    this.#queue.keepOnly(new Set(letters.map(({ clientMessageId }) => clientMessageId)));
    this.onProgress();
  }

  /** Adds files at a composer. Returns why some of them were left out, or an empty text. */
  add(place: string, files: readonly File[]): string {
    const room = FILES_MAX - atComposer(this.state.getState(), place).length;
    this.#queue.add(place, files.slice(0, room));
    return files.length > room ? texts.tooManyFiles(FILES_MAX) : "";
  }

  pause(id: string): void {
    this.#queue.pause(id);
  }

  resume(id: string): void {
    this.#queue.resume(id);
  }

  remove(id: string): void {
    this.#queue.remove(id);
  }

  assign(ids: readonly string[], entryId: string): void {
    this.#queue.assign(ids, entryId);
  }

  release(entryId: string, isSent: boolean): void {
    this.#queue.release(entryId, isSent);
  }

  isSettled(ids: readonly string[]): boolean {
    return this.#queue.isSettled(ids);
  }

  fileIds(ids: readonly string[]): string[] | null {
    return this.#queue.fileIds(ids);
  }
}

/** Returns the files of a composer. */
export function atComposer(files: readonly PendingFile[], place: string): PendingFile[] {
  return files.filter((file) => file.place === place && file.entryId === null);
}
