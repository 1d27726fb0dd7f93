/**
 * Uploads files before they are in a message: a few at a time, with pause, resume and retries. Each file and its bytes
 * are stored until its message is sent, so that an upload continues after a reload. A file that is not part of an
 * outbox entry belongs to the composer where it was added: its `place`.
 */

import { given } from "../given.ts";
import { randomId } from "../platform.ts";
import { RequestError } from "../server/request_error.ts";
import type { FileUpload, FileUploadListener } from "../server/upload.ts";
import type { FrameSize } from "./film.ts";
import { isNative, type NativeFile, readNative } from "./native_file.ts";
import { stopped } from "./stopped_upload.ts";
import { type Voice, voiceOf } from "./voice.ts";

/** What is sent of a file: the file as it was chosen, or a smaller picture. */
export interface FileVersion {
  readonly name: string;
  readonly type: string;
  readonly bytes: Blob;
}

/** An upload as it is stored. Its name, type and size are those of what is sent. */
export interface StoredUpload {
  readonly id: string;
  readonly userId: string;
  readonly place: string;
  /** The outbox entry that the file belongs to; null while it is at the composer. */
  readonly entryId: string | null;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  /** The server's id of the upload, once it has started. */
  readonly startedAs: string | null;
  readonly done: boolean;
  readonly paused: boolean;
  /** Why the file was refused, for developers; null when it was not. */
  readonly problem: string | null;
  /** The error's code, and its details. Undefined in uploads that an older version has stored. */
  readonly problemCode?: string;
  readonly problemDetails?: unknown;
  /** Undefined when the browser could not store the bytes. */
  readonly bytes?: Blob | undefined;
  /** Where React Native has the bytes. */
  readonly native?: NativeFile;
  /** What is known of a recorded voice message. */
  readonly voice?: Voice | undefined;
  /** The size of an uploaded film's frames. */
  readonly frame?: FrameSize;
  /** Whether it is sent as it was chosen. */
  readonly original?: boolean;
  /** A smaller version of a picture; null where there is none. Undefined until somebody has looked. */
  readonly smaller?: FileVersion | null;
  /** The name and the type of the chosen file, where a smaller version is sent. */
  readonly chosen?: Omit<FileVersion, "bytes">;
}

export interface PendingFile extends StoredUpload {
  /** Bytes that were sent. */
  readonly sent: number;
  /** Whether the upload waits for the connection. */
  readonly stalled: boolean;
}

export interface UploadStore {
  /** Returns a user's uploads, the oldest first. */
  read(userId: string): Promise<StoredUpload[]>;
  get(id: string): Promise<Omit<StoredUpload, "bytes"> | undefined>;
  add(stored: StoredUpload): Promise<void>;
  /** Replaces everything except the bytes. */
  change(stored: StoredUpload): Promise<void>;
  delete(id: string): Promise<void>;
}

export interface UploadQueueOptions {
  readonly userId: string;
  readonly store: UploadStore;
  /** Uploads a file and returns its id. Rejects with `RequestError`. */
  readonly send: (upload: FileUpload, listener: FileUploadListener, stop: AbortSignal) => Promise<string>;
  readonly onChange: (files: readonly PendingFile[]) => void;
  /** Rejects with `RequestError` when a file may not be sent. */
  readonly check: (file: PendingFile) => Promise<void>;
  /** Returns a smaller version of a picture, or null. Never rejects. */
  readonly shrink?: (file: FileVersion) => Promise<FileVersion | null>;
  /** Deletes an uploaded file from the server. */
  readonly remove: (id: string) => void;
  /** Runs `work` while no other tab works on the same file. */
  readonly withLock: (name: string, work: () => Promise<void>) => Promise<void>;
  readonly now?: () => number;
}

const PARALLEL_MAX = 3;
const RETRY_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class UploadQueue {
  readonly #options: UploadQueueOptions;
  #files: readonly PendingFile[] = [];
  /** The abort controllers of the running uploads. */
  readonly #working = new Map<string, AbortController>();
  /** The uploads that an earlier page or another tab has stored. */
  readonly #restored = new Set<string>();
  #wakers: (() => void)[] = [];
  #lastAddedAt = 0;
  #isRead = false;
  #isStopped = false;

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  /** Restores the uploads that an earlier page has stored. */
  async start(): Promise<void> {
    const stored = await this.#options.store.read(this.#options.userId).catch(() => []);
    this.#isRead = true;
    this.#restore(stored);
  }

  /** Restores uploads that another page has left. */
  async takeOver(ids: readonly string[]): Promise<void> {
    const stored = await this.#options.store.read(this.#options.userId).catch(() => []);
    this.#restore(stored.filter(({ id }) => ids.includes(id) && this.#find(id) === undefined));
  }

  #restore(stored: readonly StoredUpload[]): void {
    for (const { id } of stored) this.#restored.add(id);
    this.#set([
      ...stored.map((each) => ({ ...each, sent: each.done ? each.size : 0, stalled: false })),
      ...this.#files,
    ]);
    this.#work();
  }

  /** Adds files at a composer and starts to upload them. Returns their ids here. */
  add(place: string, files: readonly (File | NativeFile)[]): string[] {
    const ids: string[] = [];
    for (const file of files) {
      this.#lastAddedAt = Math.max((this.#options.now ?? Date.now)(), this.#lastAddedAt + 1);
      const { id, stored } = newFile(this.#options.userId, place, file, this.#lastAddedAt);
      this.#set([...this.#files, { ...stored, sent: 0, stalled: false }]);
      void this.#options.store.add(stored).catch(() => this.#restored.delete(id));
      ids.push(id);
    }
    this.#work();
    return ids;
  }

  pause(id: string): void {
    this.#change(id, { paused: true, stalled: false });
    this.#stop(id);
  }

  /** Resumes a paused upload, or retries a refused one. */
  resume(id: string): void {
    this.#change(id, { paused: false, ...NO_PROBLEM });
    this.#work();
  }

  /** Sends a picture as it was chosen, or smaller. An upload that has started begins again. */
  sendOriginal(id: string, original: boolean): void {
    const file = this.#find(id);
    if (file === undefined || (file.original ?? false) === original) return;
    this.#stop(id);
    if (file.startedAs !== null) this.#options.remove(file.startedAs);
    const begun = { startedAs: null, done: false, sent: 0, stalled: false, ...NO_PROBLEM };
    this.#change(id, { ...begun, original, ...shownOf({ ...file, original }) });
    this.#work();
  }

  /** Removes a file here and on the server. */
  remove(id: string): void {
    const file = this.#find(id);
    this.#forget(id);
    if (file?.startedAs != null) this.#options.remove(file.startedAs);
  }

  /** Moves files from the composer to an outbox entry, or back for null. */
  assign(ids: readonly string[], entryId: string | null): void {
    for (const id of ids) this.#change(id, { entryId });
  }

  /** Forgets the files of an entry that was sent, and removes those of a discarded one. */
  release(entryId: string, isSent: boolean): void {
    for (const { id } of this.#files.filter((file) => file.entryId === entryId)) {
      if (isSent) this.#forget(id);
      else this.remove(id);
    }
  }

  /** Forgets the files of outbox entries that no longer exist. */
  keepOnly(entryIds: ReadonlySet<string>): void {
    for (const { id, entryId } of this.#files) if (entryId !== null && !entryIds.has(entryId)) this.#forget(id);
  }

  /** Returns whether all of these files are uploaded or unknown, so that nothing has to be awaited. */
  isSettled(ids: readonly string[]): boolean {
    return this.#isRead && ids.every((id) => this.#find(id)?.done ?? true);
  }

  /** Returns the server's ids of these files; null when one of them is missing. */
  fileIds(ids: readonly string[]): string[] | null {
    const found = ids.map((id) => this.#find(id)).map((file) => (file?.done ? file.startedAs : null));
    return found.every((id) => id !== null) ? found : null;
  }

  /** Returns what a message says of an uploaded voice message or film, by the server's id. */
  detailsOf(fileId: string): Partial<Voice & FrameSize> {
    const file = this.#files.find(({ startedAs }) => startedAs === fileId);
    return { ...file?.voice, ...file?.frame };
  }

  /** Resumes uploads that wait for the connection. */
  wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** Ends the queue with the session. What is stored stays for the next session. */
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
    // The upload may be waiting for its next try, like others, which then try a little earlier.
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
        if (!refused?.isTransient) return this.#refused(id, error as Error);
        this.#change(id, { stalled: true });
        await this.#pause(Math.max(RETRY_DELAYS_MS[tries] ?? 15_000, refused.retryAfterMs));
      }
    }
  }

  #refused(id: string, error: Error): void {
    const { code, details }: { code?: string; details?: unknown } = error instanceof RequestError ? error : {};
    this.#change(id, {
      problem: error.message,
      ...given({ problemCode: code, problemDetails: details }),
    });
  }

  async #try(chosen: PendingFile, stop: AbortSignal): Promise<void> {
    const file = await this.#shrunk(chosen, stop);
    const { id, name, type, native, startedAs } = file;
    const bytes = native === undefined ? bytesOf(file) : await readNative(native);
    const size = native === undefined ? file.size : (bytes?.size ?? 0);
    if (size !== file.size) this.#change(id, { size });
    await this.#options.check({ ...file, size });
    if (stop.aborted) throw stopped();
    if (bytes === undefined) throw new RequestError({ code: "unreadable", message: "The file was not stored." });
    const fileId = await this.#options.send(
      { name, type, bytes, startedAs },
      {
        started: (as) => {
          if (stop.aborted) this.#options.remove(as);
          else this.#change(id, { startedAs: as, stalled: false });
        },
        progressed: (sent) => {
          if (!stop.aborted) this.#change(id, { sent, stalled: false });
        },
        measured: (frame) => {
          if (!stop.aborted) this.#change(id, { frame });
        },
      },
      stop,
    );
    // Another version is sent now.
    if (stop.aborted) return;
    this.#change(id, { startedAs: fileId, done: true, sent: size, stalled: false });
  }

  /** Returns the file with its smaller version, if it is sent as one. */
  async #shrunk(file: PendingFile, stop: AbortSignal): Promise<PendingFile> {
    const { id, name, type, bytes, original, smaller } = file;
    const { shrink } = this.#options;
    if (original === true || smaller !== undefined || bytes === undefined || shrink === undefined) return file;
    if (!type.startsWith("image/")) return file;
    // What has started is resumed with the same bytes.
    if (file.startedAs !== null) return file;
    const found = await shrink({ name, type, bytes });
    if (stop.aborted) throw stopped();
    const after = { ...file, smaller: found, chosen: { name, type } };
    return this.#change(id, { smaller: found, chosen: after.chosen, ...shownOf(after) }) ?? file;
  }

  /** Reloads a stored upload that another tab may have worked on. Returns whether it still has to be sent. */
  async #reload(id: string): Promise<boolean> {
    if (!this.#restored.has(id)) return true;
    const stored = await this.#options.store.get(id).catch(() => undefined);
    if (stored === undefined) {
      this.#set(this.#files.filter((file) => file.id !== id));
      return false;
    }
    this.#update(id, {
      startedAs: stored.startedAs,
      done: stored.done,
      paused: stored.paused,
      problem: stored.problem,
      name: stored.name,
      type: stored.type,
      size: stored.size,
      ...given({ original: stored.original, smaller: stored.smaller, chosen: stored.chosen }),
    });
    return !stored.done && !stored.paused && stored.problem === null;
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

  /** Changes an upload here, and in the store what outlives the page. */
  #change(id: string, change: Partial<PendingFile>): PendingFile | undefined {
    const file = this.#update(id, change);
    if (file === undefined || Object.keys(change).every((name) => name === "sent" || name === "stalled")) return file;
    const { sent: _, stalled: __, ...stored } = file;
    void this.#options.store.change(stored).catch(() => undefined);
    return file;
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
    this.#options.onChange(files);
  }
}

const NO_PROBLEM = { problem: null, problemCode: "", problemDetails: null };

type Versions = Pick<PendingFile, "bytes" | "original" | "smaller" | "chosen" | "name" | "type" | "size">;

/** Returns the bytes that are sent; undefined if they were not stored. */
function bytesOf({ original, smaller, bytes }: Versions): Blob | undefined {
  return original === true ? bytes : (smaller?.bytes ?? bytes);
}

/** Returns what is shown of the version that is sent. */
function shownOf(file: Versions): Pick<PendingFile, "name" | "type" | "size"> {
  const { name, type } = (file.original === true ? null : file.smaller) ?? file.chosen ?? file;
  return { name, type, size: bytesOf(file)?.size ?? file.size };
}

function newFile(
  userId: string,
  place: string,
  file: File | NativeFile,
  addedAt: number,
): { id: string; stored: StoredUpload } {
  const id = randomId();
  const { name, type, size = 0 } = file;
  const rest = { entryId: null, startedAs: null, done: false, paused: false, problem: null };
  const content = isNative(file) ? { native: nativeOf(file) } : { bytes: file, voice: voiceOf(file) };
  return { id, stored: { id, userId, place, name, type, size, addedAt, ...rest, ...content } };
}

/** A picker's object may have more, such as the whole file as a text. */
const nativeOf = ({ uri, name, type }: NativeFile): NativeFile => ({ uri, name, type });
