/**
 * What was written and is not sent yet. It is kept until the server has acknowledged it, so that neither a lost
 * connection nor a reload loses a word, and sent in order, each conversation on its own. `clientMessageId` makes it safe to
 * send again what may have arrived.
 */

import { Refused } from "../server/refused";

export interface Letter {
  readonly clientMessageId: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly content: string;
  readonly replyToId: string | null;
  /** Milliseconds since 1970; the order of what is sent. */
  readonly writtenAt: number;
  /** Why the server did not take it; null while it is to be sent. */
  readonly problem: string | null;
}

export interface LetterBox {
  /** Those of one user, the oldest first. */
  read(userId: string): Promise<Letter[]>;
  put(letter: Letter): Promise<void>;
  drop(clientMessageId: string): Promise<void>;
}

export interface OutboxOptions {
  readonly userId: string;
  readonly box: LetterBox;
  /** Resolves when the server has acknowledged it. Rejects with `Refused`. */
  readonly send: (letter: Letter) => Promise<void>;
  readonly changed: (letters: readonly Letter[]) => void;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

const PAUSE_MS = 2_000;

export class Outbox {
  readonly #options: OutboxOptions;
  #letters: readonly Letter[] = [];
  readonly #sending = new Set<string>();
  #open = false;
  #lastWrittenAt = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get letters(): readonly Letter[] {
    return this.#letters;
  }

  /** Reads what an earlier page has left. */
  async start(): Promise<void> {
    const kept = await this.#options.box.read(this.#options.userId);
    const known = new Set(this.#letters.map((letter) => letter.clientMessageId));
    this.#set([...kept.filter((letter) => !known.has(letter.clientMessageId)), ...this.#letters]);
    this.#sendAll();
  }

  /** The connection is there, or has gone. */
  setOpen(open: boolean): void {
    this.#open = open;
    this.#sendAll();
  }

  /** Shows the letter at once; it leaves when it is kept and its turn has come. */
  async add(conversationId: string, content: string, replyToId: string | null = null): Promise<void> {
    const { now = Date.now, userId, box } = this.#options;
    // Two within one millisecond keep their order.
    this.#lastWrittenAt = Math.max(now(), this.#lastWrittenAt + 1);
    const letter: Letter = {
      clientMessageId: crypto.randomUUID(),
      userId,
      conversationId,
      content,
      replyToId,
      writtenAt: this.#lastWrittenAt,
      problem: null,
    };
    this.#set([...this.#letters, letter]);
    // A browser that keeps nothing (a private window, a full disk) still sends.
    await box.put(letter).catch(() => undefined);
    this.#sendNext(conversationId);
  }

  /** Tries again what the server did not take. */
  async retry(clientMessageId: string): Promise<void> {
    const letter = this.#letters.find((each) => each.clientMessageId === clientMessageId);
    if (letter === undefined || letter.problem === null) return;
    await this.#replace({ ...letter, problem: null });
    this.#sendNext(letter.conversationId);
  }

  async discard(clientMessageId: string): Promise<void> {
    this.#set(this.#letters.filter((letter) => letter.clientMessageId !== clientMessageId));
    await this.#options.box.drop(clientMessageId).catch(() => undefined);
  }

  /** The message has come back as everybody's: whatever the acknowledgement says, it was sent. */
  arrived(clientMessageId: string): void {
    if (this.#letters.some((letter) => letter.clientMessageId === clientMessageId)) void this.discard(clientMessageId);
  }

  #sendAll(): void {
    for (const id of new Set(this.#letters.map((letter) => letter.conversationId))) this.#sendNext(id);
  }

  #sendNext(conversationId: string): void {
    const next = this.#letters.find((letter) => letter.conversationId === conversationId && letter.problem === null);
    if (!this.#open || next === undefined || this.#sending.has(conversationId)) return;
    this.#sending.add(conversationId);
    void this.#deliver(next).finally(() => {
      this.#sending.delete(conversationId);
      this.#sendNext(conversationId);
    });
  }

  async #deliver(letter: Letter): Promise<void> {
    const { send, sleep = pause } = this.#options;
    try {
      await send(letter);
      await this.discard(letter.clientMessageId);
    } catch (error) {
      const refused = error instanceof Refused ? error : null;
      if (refused !== null && !refused.isPassing) await this.#replace({ ...letter, problem: refused.message });
      else if (this.#open) await sleep(Math.max(PAUSE_MS, refused?.retryAfterMs ?? 0));
    }
  }

  async #replace(letter: Letter): Promise<void> {
    this.#set(this.#letters.map((each) => (each.clientMessageId === letter.clientMessageId ? letter : each)));
    await this.#options.box.put(letter).catch(() => undefined);
  }

  #set(letters: readonly Letter[]): void {
    this.#letters = letters;
    this.#options.changed(letters);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
