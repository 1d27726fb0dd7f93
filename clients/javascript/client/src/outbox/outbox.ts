/**
 * The messages and changes of messages that are not sent yet. An entry is stored until the server has acknowledged it, so
 * that neither a lost connection nor a reload loses it. The messages of a conversation are sent in order, except that one
 * whose files are not uploaded yet does not hold up the others. The changes of its messages are sent in order too, and do
 * not wait for new messages: slow mode limits only those. Sending an entry again is safe: messages have a
 * `clientMessageId`, and a repeated change changes nothing.
 */

import { given } from "../given.ts";
import type { MessageChange } from "../messages/changes.ts";
import type { MessagePart } from "../messages/message_parts.ts";
import { randomId } from "../platform.ts";
import type { GeneratedBody } from "../server/payloads.ts";
import { changedIn, RequestError } from "../server/request_error.ts";
import type { OutboxPages } from "./outbox_pages.ts";

/** What must be so when the server stores a message. */
export interface SendConditions {
  /** The number of the conversation's newest message. */
  readonly ifLastSeq?: number;
  /** The user who handles the conversation, null for nobody. */
  readonly ifHandler?: string | null;
}

export interface OutboxEntry extends SendConditions {
  readonly clientMessageId: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly content: string;
  /** The texts that a rewritten message had before, the newest first: it may have been sent with one of them. */
  readonly formerContents?: readonly string[];
  readonly replyToId: string | null;
  /** The root of the thread; undefined in entries that an older page has stored. */
  readonly threadId?: string | null;
  /** How an agent wrote the message, and in whose name. */
  readonly generated?: GeneratedBody;
  readonly onBehalfOf?: string;
  /** The parts of a new message, from which its `content` followed until it was rewritten. */
  readonly parts?: readonly MessagePart[];
  /** Ids of the uploads (uploads.ts). The entry waits until all of them are on the server. */
  readonly attachments?: readonly string[];
  /** What is done with a message that exists; undefined: the entry is a new message. */
  readonly change?: MessageChange;
  /** Milliseconds since 1970; the order of sending. */
  readonly writtenAt: number;
  /** The page that has stored it (outbox_pages.ts). Undefined where pages do not share the store. */
  readonly page?: string;
  /** Why the server refused it, for developers; null while it is to be sent. */
  readonly problem: string | null;
  /** The error's code, and its details. Undefined in entries that an older version has stored. */
  readonly problemCode?: string;
  readonly problemDetails?: unknown;
  /** When the server allows a retry, in milliseconds since 1970. Undefined while it has not asked to wait. Not stored. */
  readonly retryAt?: number;
}

/** A message to add to the outbox. */
export interface NewMessage extends SendConditions {
  readonly conversationId: string;
  readonly content: string;
  readonly replyToId?: string | null;
  readonly threadId?: string | null;
  readonly attachments?: readonly string[];
  readonly generated?: GeneratedBody;
  readonly onBehalfOf?: string;
  readonly parts?: readonly MessagePart[];
  /** Chosen by the caller when something else refers to the entry. */
  readonly clientMessageId?: string;
  readonly change?: MessageChange;
}

export interface OutboxStore {
  /** The pages that share the store. */
  readonly pages?: OutboxPages;
  /** Returns a user's entries, the oldest first. */
  read(userId: string): Promise<OutboxEntry[]>;
  has(clientMessageId: string): Promise<boolean>;
  put(entry: OutboxEntry): Promise<void>;
  delete(clientMessageId: string): Promise<void>;
}

export interface OutboxOptions {
  readonly userId: string;
  /** Names the user in entries that were added before the server has said who it is. */
  readonly unconfirmedUserId?: string;
  readonly store: OutboxStore;
  /** Resolves when the server has acknowledged it. Rejects with `RequestError`. */
  readonly send: (entry: OutboxEntry) => Promise<void>;
  readonly onChange: (entries: readonly OutboxEntry[]) => void;
  /** Whether the entry can be sent. Until then, those after it in its conversation wait too. */
  readonly isReady?: (entry: OutboxEntry) => boolean;
  /** Whether the entry waits for its files, so that it does not hold up others. */
  readonly awaitsFiles?: (entry: OutboxEntry) => boolean;
  /** Called when the server has refused the entry, which stays until it is retried or discarded. */
  readonly onRefused?: (entry: OutboxEntry, refused: RequestError) => void;
  /** Called when the entry was sent or discarded. */
  readonly onRemoved?: (entry: OutboxEntry, isSent: boolean) => void;
  /** Restores the files of entries that another page has left. */
  readonly restoreFiles?: (entries: readonly OutboxEntry[]) => Promise<void>;
  /** Called when another page has sent or discarded the entry. */
  readonly onRemovedElsewhere?: (entry: OutboxEntry, isSent: boolean) => void;
  /** Called with the ids of the entries that are being sent, when these change. */
  readonly onSending?: (clientMessageIds: ReadonlySet<string>) => void;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

const RETRY_DELAY_MS = 2_000;

export class Outbox {
  readonly #options: OutboxOptions;
  #entries: readonly OutboxEntry[] = [];
  /** Lane -> the entry that is being sent. */
  readonly #sending = new Map<string, OutboxEntry>();
  /** Lane -> the pause for which the server has asked, or that follows a failure. */
  readonly #pauses = new Map<string, symbol>();
  /** The entries that are stored, as far as this tab knows. */
  readonly #stored = new Set<string>();
  #open = false;
  #lastWrittenAt = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  /** Restores the entries that an earlier page has stored. */
  async start(): Promise<void> {
    const { store, userId, unconfirmedUserId = "" } = this.#options;
    store.pages?.start({
      gone: (page) => this.#takeOver(page),
      removed: (clientMessageId, isSent) => this.#removedElsewhere(clientMessageId, isSent),
    });
    const stored = await store.read(userId);
    if (unconfirmedUserId !== "") stored.push(...(await store.read(unconfirmedUserId)));
    stored.sort(byTime);
    const known = new Set(this.#entries.map((entry) => entry.clientMessageId));
    for (const { clientMessageId } of stored) this.#stored.add(clientMessageId);
    const before = stored.filter((entry) => !known.has(entry.clientMessageId));
    const unconfirmed = [...before, ...this.#entries].filter((entry) => entry.userId !== userId);
    this.#set([...before, ...this.#entries].map((entry) => ({ ...entry, userId })));
    await Promise.all(unconfirmed.map((entry) => this.#save({ ...entry, userId })));
    await this.#writeAfter(before.at(-1)?.writtenAt ?? 0);
    this.#sendAll();
    for (const { page } of stored) store.pages?.follow(page);
  }

  /** Ends the outbox with the session. What is stored stays for the next session. */
  stop(): void {
    this.setOpen(false);
    this.#options.store.pages?.stop();
  }

  /** Takes over what a page has not sent that is gone. */
  async #takeOver(page: string): Promise<void> {
    const { store, userId, restoreFiles } = this.#options;
    const left = (await store.read(userId)).filter((entry) => entry.page === page);
    await Promise.all(left.map((entry) => this.#save(entry)));
    await restoreFiles?.(left);
    const known = new Set(this.#entries.map((entry) => entry.clientMessageId));
    const added = left.filter((entry) => !known.has(entry.clientMessageId));
    if (added.length === 0) return;
    this.#lastWrittenAt = Math.max(this.#lastWrittenAt, ...added.map(({ writtenAt }) => writtenAt));
    this.#set([...this.#entries, ...added].sort(byTime));
    this.#sendAll();
  }

  /** Another page has sent or discarded an entry. What is being sent here stays until the server has answered. */
  #removedElsewhere(clientMessageId: string, isSent: boolean): void {
    const entry = this.#entries.find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined || this.#isSending(entry)) return;
    this.#set(this.#entries.filter((each) => each !== entry));
    this.#stored.delete(clientMessageId);
    this.#options.onRemovedElsewhere?.(entry, isSent);
    this.#sendNext(laneOf(entry));
  }

  #isSending(entry: OutboxEntry): boolean {
    return this.#sending.get(laneOf(entry))?.clientMessageId === entry.clientMessageId;
  }

  /** Keeps the order of what was added before the stored entries were read: a clock may be behind, and many are fast. */
  async #writeAfter(lastWrittenAt: number): Promise<void> {
    const isRestored = (entry: OutboxEntry): boolean => this.#stored.has(entry.clientMessageId);
    const late = this.#entries.filter((entry) => !isRestored(entry) && entry.writtenAt <= lastWrittenAt);
    this.#lastWrittenAt = Math.max(this.#lastWrittenAt, lastWrittenAt);
    for (const entry of late) {
      this.#lastWrittenAt += 1;
      await this.#replace({ ...entry, writtenAt: this.#lastWrittenAt });
    }
  }

  /** Sets whether there is a connection. */
  setOpen(open: boolean): void {
    this.#open = open;
    // A pause may have ended while the computer slept.
    if (open) this.#pauses.clear();
    this.#sendAll();
  }

  /** Shows the entry at once; sends it after it is stored and the entries before it are sent. */
  async add(message: NewMessage): Promise<void> {
    const { now = Date.now, userId } = this.#options;
    // Two entries within one millisecond keep their order.
    this.#lastWrittenAt = Math.max(now(), this.#lastWrittenAt + 1);
    const rest = { replyToId: null, threadId: null, attachments: [], clientMessageId: randomId() };
    const entry: OutboxEntry = { ...rest, ...message, userId, writtenAt: this.#lastWrittenAt, problem: null };
    this.#set([...this.#entries, entry]);
    // Without storage (a private window, a full disk) the entry is still sent.
    await this.#save(entry);
    this.#sendNext(laneOf(entry));
  }

  /** Sends entries that have become ready, and those that an entry no longer holds up. */
  sendReady(): void {
    this.#sendAll();
  }

  /** Sends a conversation's entries at once, although the server has asked to wait: its rules have changed. */
  resume(conversationId: string): void {
    for (const lane of lanesOf(conversationId)) {
      this.#pauses.delete(lane);
      this.#sendNext(lane);
    }
  }

  /** Removes a file from an entry; discards the entry when nothing is left in it. */
  async detach(clientMessageId: string, attachment: string): Promise<void> {
    const entry = this.#entries.find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined) return;
    const attachments = (entry.attachments ?? []).filter((each) => each !== attachment);
    if (attachments.length === 0 && entry.content === "") return this.discard(clientMessageId);
    await this.#replace({ ...withoutProblem(entry), attachments });
    this.#sendNext(laneOf(entry));
  }

  /**
   * Retries an entry that the server refused. A reply to a message that was deleted, or in the thread of one, is sent as
   * a message of its own; one that was refused because something new has come is sent without that condition, or with
   * other `conditions`.
   */
  async retry(clientMessageId: string, conditions: SendConditions = {}): Promise<void> {
    const entry = this.#entries.find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined || entry.problem === null) return;
    await this.#replace({ ...retried(entry), ...conditions });
    this.#sendNext(laneOf(entry));
  }

  /**
   * Gives a message another text, in its place among the others. It may be on its way with the former one. Retries one
   * that the server refused. Returns false where the message is not in the outbox any more.
   */
  async rewrite(clientMessageId: string, content: string): Promise<boolean> {
    const entry = this.#entries.find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined) return false;
    const formerContents = [entry.content, ...(entry.formerContents ?? [])];
    await this.#replace({ ...retried(entry), ...(content !== entry.content && { content, formerContents }) });
    this.#sendNext(laneOf(entry));
    return true;
  }

  async discard(clientMessageId: string): Promise<void> {
    await this.#remove(clientMessageId, false);
  }

  /**
   * Discards the entries that a test selects. Returns false if one of them stays because it is being sent.
   */
  async withdraw(isMeant: (entry: OutboxEntry) => boolean): Promise<boolean> {
    const meant = this.#entries.filter(isMeant);
    const idle = meant.filter((entry) => !this.#isSending(entry));
    for (const { clientMessageId } of idle) await this.#remove(clientMessageId, false);
    return idle.length === meant.length;
  }

  /**
   * The message has arrived as an event, so it was sent, whatever its acknowledgement says. Returns whether it was an
   * entry of this outbox.
   */
  arrived(clientMessageId: string): boolean {
    const isEntry = this.#entries.some((entry) => entry.clientMessageId === clientMessageId);
    if (isEntry) void this.#remove(clientMessageId, true);
    return isEntry;
  }

  async #remove(clientMessageId: string, isSent: boolean): Promise<void> {
    const entry = this.#entries.find((each) => each.clientMessageId === clientMessageId);
    this.#set(this.#entries.filter((each) => each !== entry));
    this.#stored.delete(clientMessageId);
    await this.#options.store.delete(clientMessageId).catch(() => undefined);
    if (entry === undefined) return;
    this.#options.store.pages?.removed(clientMessageId, isSent);
    this.#options.onRemoved?.(entry, isSent);
    // It may have held up others.
    this.#sendNext(laneOf(entry));
  }

  #sendAll(): void {
    for (const lane of new Set(this.#entries.map(laneOf))) this.#sendNext(lane);
  }

  #sendNext(lane: string): void {
    const { isReady = () => true, awaitsFiles = () => false } = this.#options;
    if (!this.#open || this.#sending.has(lane) || this.#pauses.has(lane)) return;
    const next = this.#entries.find((entry) => laneOf(entry) === lane && entry.problem === null && !awaitsFiles(entry));
    if (next === undefined || !isReady(next)) return;
    this.#sending.set(lane, next);
    this.#sendingChanged();
    void this.#deliver(next).finally(() => {
      this.#sending.delete(lane);
      this.#sendingChanged();
      this.#sendNext(lane);
    });
  }

  #sendingChanged(): void {
    this.#options.onSending?.(new Set([...this.#sending.values()].map(({ clientMessageId }) => clientMessageId)));
  }

  async #deliver(entry: OutboxEntry): Promise<void> {
    try {
      await this.#options.send(entry);
      await this.#remove(entry.clientMessageId, true);
    } catch (error) {
      const refused = error instanceof RequestError ? error : null;
      if (refused !== null && !refused.isTransient) await this.#refused(entry, refused);
      else if (this.#open) this.#pause(entry, refused?.retryAfterMs ?? 0);
    }
  }

  /** Pauses the entry's lane before the next try. The entry can be withdrawn meanwhile. */
  #pause(entry: OutboxEntry, retryAfterMs: number): void {
    const { now = Date.now, sleep = pause } = this.#options;
    const lane = laneOf(entry);
    const started = Symbol();
    this.#pauses.set(lane, started);
    const retryAt = now() + retryAfterMs;
    if (retryAfterMs > 0)
      this.#set(
        this.#entries.map((each) => (each.clientMessageId === entry.clientMessageId ? { ...each, retryAt } : each)),
      );
    void sleep(Math.max(RETRY_DELAY_MS, retryAfterMs)).then(() => {
      if (this.#pauses.get(lane) !== started) return;
      this.#pauses.delete(lane);
      this.#sendNext(lane);
    });
  }

  async #replace(entry: OutboxEntry): Promise<void> {
    this.#set(this.#entries.map((each) => (each.clientMessageId === entry.clientMessageId ? entry : each)));
    await this.#save(entry);
  }

  async #refused(entry: OutboxEntry, refused: RequestError): Promise<void> {
    if (await this.#isGone(entry)) return this.#remove(entry.clientMessageId, true);
    const now = this.#entries.find((each) => each.clientMessageId === entry.clientMessageId);
    // It was rewritten meanwhile, and is sent again.
    if (now?.content !== entry.content) return;
    const { message, code, details } = refused;
    await this.#replace({ ...entry, problem: message, problemCode: code, problemDetails: details });
    this.#options.onRefused?.(entry, refused);
  }

  async #save({ retryAt: _, ...entry }: OutboxEntry): Promise<void> {
    const { store } = this.#options;
    await store.put(store.pages === undefined ? entry : { ...entry, page: store.pages.id }).then(
      () => {
        this.#stored.add(entry.clientMessageId);
        store.pages?.stored();
      },
      () => undefined,
    );
  }

  /** Returns whether the entry was discarded, or another tab has sent it and removed its files. */
  async #isGone({ clientMessageId }: OutboxEntry): Promise<boolean> {
    if (!this.#entries.some((each) => each.clientMessageId === clientMessageId)) return true;
    if (!this.#stored.has(clientMessageId)) return false;
    return !(await this.#options.store.has(clientMessageId).catch(() => true));
  }

  #set(entries: readonly OutboxEntry[]): void {
    this.#entries = entries;
    this.#options.onChange(entries);
  }
}

/** Returns what an entry is sent in sequence with: the messages of its conversation, or the changes of these. */
function laneOf({ conversationId, change }: OutboxEntry): string {
  const [messages, changes] = lanesOf(conversationId);
  return change === undefined ? messages : changes;
}

const lanesOf = (conversationId: string): [messages: string, changes: string] => [
  conversationId,
  `${conversationId} changes`,
];

const byTime = (one: OutboxEntry, other: OutboxEntry): number => one.writtenAt - other.writtenAt;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether the server refused a message because the one that it replies to was deleted. */
export function isReplyToDeleted({ problemDetails }: Pick<OutboxEntry, "problemDetails">): boolean {
  return isRefusedPart(problemDetails, "replyToId");
}

/** Whether the server refused a message because the one that starts its thread was deleted. */
export function isInDeletedThread({ problemDetails }: Pick<OutboxEntry, "problemDetails">): boolean {
  return isRefusedPart(problemDetails, "threadId");
}

function isRefusedPart(details: unknown, path: string): boolean {
  return Array.isArray(details) && details.some((each: { path?: unknown } | null) => each?.path === path);
}

/** Returns an entry as it is sent again after a refusal. */
function retried(entry: OutboxEntry): OutboxEntry {
  const { ifLastSeq, ifHandler, ...rest } = withoutProblem(entry);
  return {
    ...rest,
    ...(changedIn(entry.problemDetails) === null && given({ ifLastSeq, ifHandler })),
    ...(isReplyToDeleted(entry) && { replyToId: null }),
    ...(isInDeletedThread(entry) && { threadId: null }),
  };
}

function withoutProblem({ problemCode: _, problemDetails: __, ...entry }: OutboxEntry): OutboxEntry {
  return { ...entry, problem: null };
}
