/**
 * What was written and is not sent yet. It is kept until the server has acknowledged it, so that neither a lost
 * connection nor a reload loses a word, and sent in order, each conversation on its own. `clientMessageId` makes it safe to
 * send again what may have arrived.
 */

import { randomId } from "../../insecure";
import { Refused } from "../../server/refused";

export interface Letter {
  readonly clientMessageId: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly content: string;
  readonly replyToId: string | null;
  /** The message under whose thread it is said; a letter that an older page has kept has none. */
  readonly threadId?: string | null;
  /** Ids of the uploads that go with it (uploads.ts); it waits until all of them are on the server. */
  readonly attachments?: readonly string[];
  /** Milliseconds since 1970; the order of what is sent. */
  readonly writtenAt: number;
  /** Why the server did not take it; null while it is to be sent. */
  readonly problem: string | null;
}

/** What somebody wrote, before it is a letter. */
export interface Draft {
  readonly conversationId: string;
  readonly content: string;
  readonly replyToId?: string | null;
  readonly threadId?: string | null;
  readonly attachments?: readonly string[];
  /** Chosen by who writes it, where something else refers to the letter. */
  readonly clientMessageId?: string;
}

export interface LetterBox {
  /** Those of one user, the oldest first. */
  read(userId: string): Promise<Letter[]>;
  has(clientMessageId: string): Promise<boolean>;
  put(letter: Letter): Promise<void>;
  drop(clientMessageId: string): Promise<void>;
}

export interface OutboxOptions {
  readonly userId: string;
  readonly box: LetterBox;
  /** Resolves when the server has acknowledged it. Rejects with `Refused`. */
  readonly send: (letter: Letter) => Promise<void>;
  readonly changed: (letters: readonly Letter[]) => void;
  /** Whether it can go; one that cannot yet holds up no other. */
  readonly isReady?: (letter: Letter) => boolean;
  /** It was sent, or thrown away. */
  readonly left?: (letter: Letter, isSent: boolean) => void;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

const PAUSE_MS = 2_000;

export class Outbox {
  readonly #options: OutboxOptions;
  #letters: readonly Letter[] = [];
  readonly #sending = new Set<string>();
  /** Those that are in the box, as far as this tab knows. */
  readonly #kept = new Set<string>();
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
    for (const { clientMessageId } of kept) this.#kept.add(clientMessageId);
    this.#set([...kept.filter((letter) => !known.has(letter.clientMessageId)), ...this.#letters]);
    this.#sendAll();
  }

  /** The connection is there, or has gone. */
  setOpen(open: boolean): void {
    this.#open = open;
    this.#sendAll();
  }

  /** Shows the letter at once; it leaves when it is kept and its turn has come. */
  async add(draft: Draft): Promise<void> {
    const { now = Date.now, userId } = this.#options;
    // Two within one millisecond keep their order.
    this.#lastWrittenAt = Math.max(now(), this.#lastWrittenAt + 1);
    const rest = { replyToId: null, threadId: null, attachments: [], clientMessageId: randomId() };
    const letter: Letter = { ...rest, ...draft, userId, writtenAt: this.#lastWrittenAt, problem: null };
    this.#set([...this.#letters, letter]);
    // A browser that keeps nothing (a private window, a full disk) still sends.
    await this.#keep(letter);
    this.#sendNext(letter.conversationId);
  }

  /** What a letter waited for may be there. */
  look(): void {
    this.#sendAll();
  }

  /** A letter goes without one of its files; with nothing left to say it does not go at all. */
  async detach(clientMessageId: string, attachment: string): Promise<void> {
    const letter = this.#letters.find((each) => each.clientMessageId === clientMessageId);
    if (letter === undefined) return;
    const attachments = (letter.attachments ?? []).filter((each) => each !== attachment);
    if (attachments.length === 0 && letter.content === "") return this.discard(clientMessageId);
    await this.#replace({ ...letter, attachments, problem: null });
    this.#sendNext(letter.conversationId);
  }

  /** Tries again what the server did not take. */
  async retry(clientMessageId: string): Promise<void> {
    const letter = this.#letters.find((each) => each.clientMessageId === clientMessageId);
    if (letter === undefined || letter.problem === null) return;
    await this.#replace({ ...letter, problem: null });
    this.#sendNext(letter.conversationId);
  }

  async discard(clientMessageId: string): Promise<void> {
    await this.#remove(clientMessageId, false);
  }

  /** The message has come back as everybody's: whatever the acknowledgement says, it was sent. */
  arrived(clientMessageId: string): void {
    if (this.#letters.some((letter) => letter.clientMessageId === clientMessageId))
      void this.#remove(clientMessageId, true);
  }

  async #remove(clientMessageId: string, isSent: boolean): Promise<void> {
    const letter = this.#letters.find((each) => each.clientMessageId === clientMessageId);
    this.#set(this.#letters.filter((each) => each !== letter));
    this.#kept.delete(clientMessageId);
    await this.#options.box.drop(clientMessageId).catch(() => undefined);
    if (letter !== undefined) this.#options.left?.(letter, isSent);
  }

  #sendAll(): void {
    for (const id of new Set(this.#letters.map((letter) => letter.conversationId))) this.#sendNext(id);
  }

  #sendNext(conversationId: string): void {
    const { isReady = () => true } = this.#options;
    const next = this.#letters.find(
      (letter) => letter.conversationId === conversationId && letter.problem === null && isReady(letter),
    );
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
      await this.#remove(letter.clientMessageId, true);
    } catch (error) {
      const refused = error instanceof Refused ? error : null;
      if (refused !== null && !refused.isPassing) await this.#notTaken(letter, refused);
      else if (this.#open) await sleep(Math.max(PAUSE_MS, refused?.retryAfterMs ?? 0));
    }
  }

  async #replace(letter: Letter): Promise<void> {
    this.#set(this.#letters.map((each) => (each.clientMessageId === letter.clientMessageId ? letter : each)));
    await this.#keep(letter);
  }

  async #notTaken(letter: Letter, { message }: Refused): Promise<void> {
    if (await this.#isGone(letter)) await this.#remove(letter.clientMessageId, true);
    else await this.#replace({ ...letter, problem: message });
  }

  async #keep(letter: Letter): Promise<void> {
    await this.#options.box.put(letter).then(
      () => this.#kept.add(letter.clientMessageId),
      () => undefined,
    );
  }

  /** Whether it was thrown away meanwhile, or another tab has sent it: then its files are gone as well. */
  async #isGone({ clientMessageId }: Letter): Promise<boolean> {
    if (!this.#letters.some((each) => each.clientMessageId === clientMessageId)) return true;
    if (!this.#kept.has(clientMessageId)) return false;
    return !(await this.#options.box.has(clientMessageId).catch(() => true));
  }

  #set(letters: readonly Letter[]): void {
    this.#letters = letters;
    this.#options.changed(letters);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
