/** The reader's uploads, from the composer into messages. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ChatPart, Core } from "../core.ts";
import type { OutboxEntry } from "../outbox/outbox.ts";
import { withLock } from "../platform.ts";
import { RequestError, UNREACHABLE } from "../server/request_error.ts";
import type { FrameSize } from "./film.ts";
import type { NativeFile } from "./native_file.ts";
import { type FileVersion, type PendingFile, UploadQueue, type UploadStore } from "./upload_queue.ts";
import type { Voice } from "./voice.ts";

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
  /** Returns a smaller version of a picture, or null. By default, pictures are sent as they were chosen. */
  shrink: (file: FileVersion) => Promise<FileVersion | null> = async () => null;
  /**
   * Loads what sends files, again after a failure. Chromium before 156 never requests a script again that it could not
   * load; an application may have it requested at another address.
   */
  load: () => Promise<typeof import("../server/upload.ts")> = () => import("../server/upload.ts");
  readonly #queue: UploadQueue;
  #maxSize: number | null = null;

  constructor(core: Core, store: UploadStore) {
    this.#queue = new UploadQueue({
      get userId() {
        return core.now.me.id;
      },
      store,
      send: async (...args) => {
        const { upload } = await this.load().catch(() => {
          throw new RequestError({ code: UNREACHABLE, message: "A part of the program cannot be loaded." });
        });
        return upload(core.rest, ...args);
      },
      onChange: (files) => {
        const before = this.state.getState();
        this.state.setState(files, true);
        const isDone = ({ id }: PendingFile): boolean => before.some((known) => known.id === id && known.done);
        if (files.some((file) => file.done && !isDone(file))) this.onProgress();
      },
      check: async ({ size }) => {
        this.#maxSize ??= await maxFileSize(core.rest.base);
        const maxSize = this.#maxSize;
        if (maxSize !== null && size > maxSize)
          throw new RequestError({
            code: "file_too_large",
            message: `The file is larger than ${maxSize} bytes.`,
            details: { maxSize },
          });
      },
      shrink: (file) => this.shrink(file),
      remove: (id) => void core.rest.dropFile(id),
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
  reconcile(entries: readonly OutboxEntry[]): void {
    for (const { attachments = [], clientMessageId } of entries) this.#queue.assign(attachments, clientMessageId);
    this.#queue.keepOnly(new Set(entries.map(({ clientMessageId }) => clientMessageId)));
    this.onProgress();
  }

  /** Restores the files of entries that another page has left. */
  async takeOver(entries: readonly OutboxEntry[]): Promise<void> {
    const ids = entries.flatMap(({ attachments = [] }) => attachments);
    if (ids.length === 0) return;
    await this.#queue.takeOver(ids);
    for (const { attachments = [], clientMessageId } of entries) this.#queue.assign(attachments, clientMessageId);
  }

  /** Adds files at a composer, up to the limit of a message. Returns the ids of those that were added. */
  add(place: string, files: readonly (File | NativeFile)[]): string[] {
    const room = FILES_MAX - atComposer(this.state.getState(), place).length;
    return this.#queue.add(place, files.slice(0, Math.max(0, room)));
  }

  /** Sends a picture of a composer as it was chosen, or smaller. */
  sendOriginal(id: string, original: boolean): void {
    this.#queue.sendOriginal(id, original);
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

  /** Moves files from the composer to an outbox entry, or back for null. */
  assign(ids: readonly string[], entryId: string | null): void {
    this.#queue.assign(ids, entryId);
  }

  release(entryId: string, isSent: boolean): void {
    this.#queue.release(entryId, isSent);
  }

  isSettled(ids: readonly string[]): boolean {
    return this.#queue.isSettled(ids);
  }

  /** Returns whether one of these files is not uploaded yet. What is not restored yet is unknown, and not awaited. */
  isAwaited(ids: readonly string[]): boolean {
    return this.state.getState().some(({ id, done }) => !done && ids.includes(id));
  }

  fileIds(ids: readonly string[]): string[] | null {
    return this.#queue.fileIds(ids);
  }

  detailsOf(fileId: string): Partial<Voice & FrameSize> {
    return this.#queue.detailsOf(fileId);
  }
}

/** Returns the files of a composer. */
export function atComposer(files: readonly PendingFile[], place: string): PendingFile[] {
  return files.filter((file) => file.place === place && file.entryId === null);
}

/** Returns the largest size of a file in bytes at the server with this address; null when it is unknown. */
async function maxFileSize(base: string): Promise<number | null> {
  try {
    const answer = await fetch(`${base}api/v1/files`, { method: "OPTIONS" });
    const size = Number(answer.headers.get("Tus-Max-Size") ?? Number.NaN);
    return Number.isNaN(size) ? null : size;
  } catch {
    return null;
  }
}
