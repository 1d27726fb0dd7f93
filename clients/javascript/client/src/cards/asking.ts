/** Asks by a card, and waits for the decision. Loaded with the first question. */

import type { Client } from "../client.ts";
import type { ChatPart } from "../core.ts";
import { given } from "../given.ts";
import { randomId } from "../platform.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { AskedCard, Message, SeenCard } from "../server/payloads.ts";
import { RequestError, unreachable } from "../server/request_error.ts";

/** Options of `Room.ask`. */
export interface AskOptions {
  /** The id of the message that the question replies to. */
  readonly replyTo?: string;
  /** The id of the first message of the thread that it belongs to. */
  readonly threadId?: string;
  /** Names the question, so that a program that was restarted continues to wait for the same decision. */
  readonly clientMessageId?: string;
  /** Ends the waiting. The card stays open. */
  readonly signal?: AbortSignal;
}

/** How long the server waits for the end of a decision before it answers. */
const WAIT_S = 60;
/** A request without an answer after this time is given up: its connection is gone, which nobody may say. */
const ANSWER_MS = (WAIT_S + 15) * 1_000;
/** An answer that comes earlier, without an end, is followed by a pause. */
const EARLY_MS = 1_000;

/** Sends a card once the user is known (`identified`), and returns it once its decision has ended. */
export async function ask(
  client: Client,
  identified: Promise<unknown>,
  conversationId: string,
  card: AskedCard,
  { replyTo, threadId, clientMessageId = randomId(), signal }: AskOptions,
): Promise<SeenCard> {
  const { rest } = client.core;
  const body = { conversationId, card, clientMessageId, ...given({ replyToId: replyTo, threadId }) };
  const key = randomId();
  const question = new Question(client, signal);
  try {
    await question.waitFor(identified);
    const { id } = await question.persistently(() => rest.postOnce<Message>("messages", body, key));
    const address = `messages/${encodeURIComponent(id)}/card?wait=${WAIT_S}`;
    for (;;) {
      const askedMs = Date.now();
      const seen = await question.persistently((ends) => rest.get<SeenCard>(address, ends));
      if (seen.state !== "open") return seen;
      if (Date.now() - askedMs < EARLY_MS) await question.pause(EARLY_MS);
    }
  } finally {
    question.settle();
  }
}

/** What `ask` waits for, until its caller aborts it or the client is closed. */
class Question implements ChatPart {
  readonly #client: Client;
  readonly #signal: AbortSignal | undefined;
  /** Why nothing is waited for any more. */
  #end: { readonly why: unknown } | undefined;
  /** Rejects what is waited for now. */
  #reject: (why: unknown) => void = () => undefined;

  constructor(client: Client, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal;
    client.add(this);
    signal?.addEventListener("abort", this.#aborted);
    if (client.isStopped) this.stopped();
    if (signal?.aborted) this.#aborted();
  }

  stopped(): void {
    this.#give(new RequestError({ code: "closed", message: "The client was closed. The card stays open." }));
  }

  /** Follows the client and the signal no longer. */
  settle(): void {
    this.#client.remove(this);
    this.#signal?.removeEventListener("abort", this.#aborted);
  }

  /** Returns what a promise resolves with. `ms`: after this time the server counts as unreachable. */
  waitFor<T>(awaited: Promise<T>, ms?: number): Promise<T> {
    if (this.#end !== undefined) return Promise.reject(this.#end.why);
    return new Promise<T>((resolve, reject) => {
      const timer = ms === undefined ? undefined : setTimeout(() => reject(unreachable()), ms);
      const settled = <Value>(settle: (value: Value) => void) => {
        return (value: Value): void => {
          clearTimeout(timer);
          settle(value);
        };
      };
      this.#reject = settled(reject);
      awaited.then(settled(resolve), this.#reject);
    });
  }

  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    // Without this, a program that has nothing else to do would end only after the pause.
    await this.waitFor(over).finally(() => clearTimeout(timer));
  }

  /** Repeats a request while the server cannot be reached or limits the rate. */
  async persistently<Answer>(request: (ends: AbortSignal) => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures++) {
      const ending = new AbortController();
      try {
        if (this.#end !== undefined) throw this.#end.why;
        return await this.waitFor(request(ending.signal), ANSWER_MS);
      } catch (error) {
        ending.abort();
        if (!(error instanceof RequestError) || !error.isTransient) throw error;
        await this.pause(error.retryAfterMs || pauseAfter(failures, error));
      }
    }
  }

  // React Native's signals have no reason.
  readonly #aborted = (): void => this.#give(this.#signal?.reason ?? new Error("The question was aborted."));

  #give(why: unknown): void {
    this.#end ??= { why };
    this.#reject(why);
  }
}
