/**
 * Files on their way to the server, before they are in a message: a few at a time, paused and gone on with, tried again
 * when the connection is back. Each is kept with its bytes until its message is sent, so that a reload goes on where it
 * was. What belongs to no letter yet lies at the composer where it was added: its `place`.
 */

import { randomId } from "../../secure_context_fallbacks";
import { RequestError } from "../../server/request_error";
import type { FileUpload, FileUploadListener } from "../../server/upload";

/** What is kept of a file. */
export interface StoredUpload {
  readonly id: string;
  readonly userId: string;
  readonly place: string;
  /** The letter it goes with; null while it lies at the composer. */
  readonly entryId: string | null;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  /** What the server calls it once it has begun. */
  readonly startedAs: string | null;
  readonly done: boolean;
  readonly paused: boolean;
  /** Why the server did not take it, or null. */
  readonly problem: string | null;
  /** Not there where the browser could not keep them. */
  readonly bytes?: Blob | undefined;
}

export interface PendingFile extends StoredUpload {
  /** Bytes that were sent. */
  readonly sent: number;
  /** Whether it waits for the connection. */
  readonly stalled: boolean;
}

export interface UploadStore {
  /** Those of one user, the oldest first. */
  read(userId: string): Promise<StoredUpload[]>;
  get(id: string): Promise<Omit<StoredUpload, "bytes"> | undefined>;
  add(kept: StoredUpload): Promise<void>;
  /** All but the bytes. */
  change(kept: StoredUpload): Promise<void>;
  delete(id: string): Promise<void>;
}

export interface UploadQueueOptions {
  readonly userId: string;
  readonly store: UploadStore;
  /** Answers the file's id. Rejects with `RequestError`. */
  readonly send: (shipment: FileUpload, listener: FileUploadListener, stop: AbortSignal) => Promise<string>;
  readonly changed: (files: readonly PendingFile[]) => void;
  /** Why a file may not be sent at all; null when it may. */
  readonly check: (file: PendingFile) => Promise<string | null>;
  /** What is at the server and not wanted any more. */
  readonly remove: (id: string) => void;
  /** Holds the other tabs off while one works on a file. */
  readonly withLock: (name: string, work: () => Promise<void>) => Promise<void>;
  readonly now?: () => number;
}

const PARALLEL_MAX = 3;
const RETRY_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class UploadQueue {
  readonly #options: UploadQueueOptions;
  #files: readonly PendingFile[] = [];
  /** What stops those that are being worked on. */
  readonly #working = new Map<string, AbortController>();
  /** Those that were kept by an earlier page, or another tab that is open yet. */
  readonly #restored = new Set<string>();
  #wakers: (() => void)[] = [];
  #lastAddedAt = 0;
  #isRead = false;
  #isStopped = false;

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  /** Reads what an earlier page has left, of the composers and of the letters that are there. */
  async start(): Promise<void> {
    const kept = await this.#options.store.read(this.#options.userId).catch(() => []);
    for (const { id } of kept) this.#restored.add(id);
    this.#isRead = true;
    this.#set([...kept.map((each) => ({ ...each, sent: each.done ? each.size : 0, stalled: false })), ...this.#files]);
    this.#work();
  }

  /** Adds files at a composer, and begins to send them. */
  add(place: string, files: readonly File[]): void {
    for (const file of files) {
      this.#lastAddedAt = Math.max((this.#options.now ?? Date.now)(), this.#lastAddedAt + 1);
      const { id, kept } = newFile(this.#options.userId, place, file, this.#lastAddedAt);
      this.#set([...this.#files, { ...kept, sent: 0, stalled: false }]);
      void this.#options.store.add({ ...kept, bytes: file }).catch(() => this.#restored.delete(id));
    }
    this.#work();
  }

  pause(id: string): void {
    this.#change(id, { paused: true, stalled: false });
    this.#stop(id);
  }

  /** Goes on with what was paused, and tries again what was refused. */
  resume(id: string): void {
    this.#change(id, { paused: false, problem: null });
    this.#work();
  }

  /** Forgets a file, here and at the server. */
  remove(id: string): void {
    const file = this.#find(id);
    this.#forget(id);
    if (file?.startedAs != null) this.#options.remove(file.startedAs);
  }

  /** Those at a composer go with a letter. */
  assign(ids: readonly string[], entryId: string): void {
    for (const id of ids) this.#change(id, { entryId });
  }

  /** The letter was sent, or thrown away with its files. */
  release(entryId: string, isSent: boolean): void {
    for (const { id } of this.#files.filter((file) => file.entryId === entryId)) {
      if (isSent) this.#forget(id);
      else this.remove(id);
    }
  }

  /** Forgets those of letters that are there no more. */
  keepOnly(entryIds: ReadonlySet<string>): void {
    for (const { id, entryId } of this.#files) if (entryId !== null && !entryIds.has(entryId)) this.#forget(id);
  }

  /** Whether nothing has to be waited for: all of them are at the server, or are not known here at all. */
  isSettled(ids: readonly string[]): boolean {
    return this.#isRead && ids.every((id) => this.#find(id)?.done ?? true);
  }

  /** What the server calls them; null where one of them is not there. */
  fileIds(ids: readonly string[]): string[] | null {
    const found = ids.map((id) => this.#find(id)).map((file) => (file?.done ? file.startedAs : null));
    return found.every((id) => id !== null) ? found : null;
  }

  /** The connection is back: whatever waits for it goes on now. */
  wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** The session is over. What is kept is for the next one. */
  stop(): void {
    this.#isStopped = true;
    for (const stopper of this.#working.values()) stopper.abort();
    this.wake();
  }

  #work(): void {
    for (const file of this.#files) {
      if (this.#isStopped || this.#working.size >= PARALLEL_MAX) return;
      if (!file.done && !file.paused && file.problem === null && !this.#working.has(file.id)) this.#begin(file.id);
    }
  }

  #begin(id: string): void {
    const stopper = new AbortController();
    this.#working.set(id, stopper);
    void this.#options
      .withLock(`talkwire.upload.${id}`, () => this.#upload(id, stopper.signal))
      .finally(() => {
        this.#working.delete(id);
        this.#work();
      });
  }

  #stop(id: string): void {
    this.#working.get(id)?.abort();
    // It may be waiting for its next try, as others are; they try a little earlier then.
    this.wake();
  }

  async #upload(id: string, stop: AbortSignal): Promise<void> {
    if (!(await this.#reload(id))) return;
    for (let tries = 0; !stop.aborted; tries++) {
      const file = this.#find(id);
      if (file === undefined || file.done || file.paused) return;
      try {
        await this.#try(file, stop);
        return;
      } catch (error) {
        if (stop.aborted) return;
        const refused = error instanceof RequestError ? error : null;
        if (!refused?.isTransient) return this.#change(id, { problem: refused?.message ?? String(error) });
        this.#change(id, { stalled: true });
        await this.#pause(Math.max(RETRY_DELAYS_MS[tries] ?? 15_000, refused.retryAfterMs));
      }
    }
  }

  async #try(file: PendingFile, stop: AbortSignal): Promise<void> {
    const { id, name, type, bytes, startedAs } = file;
    const problem = await this.#options.check(file);
    if (problem !== null || bytes === undefined)
      throw new RequestError({ code: "invalid_request", message: problem ?? "" });
    const fileId = await this.#options.send(
      { name, type, bytes, startedAs },
      {
        started: (as) => this.#change(id, { startedAs: as, stalled: false }),
        progressed: (sent) => this.#change(id, { sent, stalled: false }),
      },
      stop,
    );
    this.#change(id, { startedAs: fileId, done: true, sent: file.size, stalled: false });
  }

  /** Another tab may have worked on it while this one waited. Answers whether there is something left to do. */
  async #reload(id: string): Promise<boolean> {
    if (!this.#restored.has(id)) return true;
    const kept = await this.#options.store.get(id).catch(() => undefined);
    if (kept === undefined) {
      this.#set(this.#files.filter((file) => file.id !== id));
      return false;
    }
    this.#update(id, { startedAs: kept.startedAs, done: kept.done, paused: kept.paused, problem: kept.problem });
    return !kept.done && !kept.paused && kept.problem === null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #find(id: string): PendingFile | undefined {
    return this.#files.find((file) => file.id === id);
  }

  /** Changes a file here and, where that outlives the page, in the box. */
  #change(id: string, change: Partial<PendingFile>): void {
    const file = this.#update(id, change);
    if (file === undefined || Object.keys(change).every((name) => name === "sent" || name === "stalled")) return;
    const { sent: _, stalled: __, ...kept } = file;
    void this.#options.store.change(kept).catch(() => undefined);
  }

  #update(id: string, change: Partial<PendingFile>): PendingFile | undefined {
    const before = this.#find(id);
    if (before === undefined) return undefined;
    const after = { ...before, ...change };
    this.#set(this.#files.map((file) => (file === before ? after : file)));
    return after;
  }

  #forget(id: string): void {
    this.#set(this.#files.filter((file) => file.id !== id));
    this.#stop(id);
    void this.#options.store.delete(id).catch(() => undefined);
  }

  #set(files: readonly PendingFile[]): void {
    this.#files = files;
    this.#options.changed(files);
  }
}

function newFile(userId: string, place: string, file: File, addedAt: number): { id: string; kept: StoredUpload } {
  const id = randomId();
  const { name, type, size } = file;
  const rest = { entryId: null, startedAs: null, done: false, paused: false, problem: null };
  return { id, kept: { id, userId, place, name, type, size, addedAt, ...rest, bytes: file } };
}
