/// <reference lib="esnext.disposable" preserve="true" />
/** Claims turns, and keeps them until they are handled. */

import type { Client } from "../client.ts";
import type { ChatPart } from "../core.ts";
import { given } from "../given.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { ClaimedTurn, ClaimedTurns } from "../server/payloads.ts";
import { RequestError, UNREACHABLE } from "../server/request_error.ts";
import { Turn } from "./turn.ts";

/** Options of `turnsOf`. */
export interface TurnsOptions {
  /** Claims turns in this conversation only. */
  readonly conversationId?: string;
  /** How many turns the program has at most at the same time, by default 4. */
  readonly atOnce?: number;
  /** Seconds after which others can claim a turn if the program is gone: 5 to 300, by default 15. */
  readonly leaseS?: number;
}

/** How long the server waits for a turn before it answers. */
const WAIT_S = 60;
/** A claim without an answer after this time is repeated. */
const ANSWER_MS = (WAIT_S + 15) * 1_000;
/** An answer without a turn that comes earlier is followed by a pause: the server waits for no more claims. */
const EARLY_MS = 1_000;
const AT_ONCE = 4;
const LEASE_S = 15;

/** A caller of `next` that waits for a turn. */
interface Waiting {
  readonly resolve: (result: IteratorResult<Turn, undefined>) => void;
  readonly reject: (why: unknown) => void;
}

/**
 * The turns of the signed-in agent. `turnsOf` returns it.
 *
 * A turn is claimed when a round of the loop waits for one, and while the program has fewer turns than `atOnce`. The loop
 * waits as long as there is no turn or no connection. It ends when `close` is called here or of the chat, and rejects with
 * `RequestError` when the server refuses the claim or ends the session. Leaving the loop closes the turns.
 */
export class Turns implements AsyncIterableIterator<Turn, undefined> {
  readonly #client: Client;
  readonly #problem: () => RequestError | null;
  readonly #options: TurnsOptions;
  readonly #part: ChatPart;
  readonly #held = new Set<Turn>();
  readonly #waiting: Waiting[] = [];
  #isClaiming = false;
  #isClosed = false;
  /** Ends a pause between claims. */
  #wake: () => void = () => undefined;
  /** Ends the claim that waits, with which the server claims nothing more. */
  #abort: () => void = () => undefined;

  /** @internal `problem` returns why the session has ended. */
  constructor(client: Client, problem: () => RequestError | null, options: TurnsOptions) {
    this.#client = client;
    this.#problem = problem;
    this.#options = options;
    this.#part = {
      connected: () => this.#wake(),
      lost: () => this.#abort(),
      stopped: () => this.#stopped(),
    };
    client.add(this.#part);
    if (client.isStopped) this.#stopped();
  }

  /** The turns that the program has now. */
  get held(): readonly Turn[] {
    return [...this.#held];
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Returns the next turn, as soon as there is one. */
  next(): Promise<IteratorResult<Turn, undefined>> {
    if (this.#isClosed) {
      const problem = this.#client.isStopped ? this.#problem() : null;
      return problem === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(problem);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      void this.#claim();
    });
  }

  /** Closes the turns. `for await` calls it when its loop is left. */
  async return(): Promise<IteratorResult<Turn, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /**
   * Claims nothing more, ends the loop, and releases the turns that the program still has, so that another process can
   * claim them at once. Their signals abort with the code `closed`.
   */
  async close(): Promise<void> {
    this.#end(null);
    await Promise.all(this.held.map((turn) => turn.abandon()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The session is over: turns cannot be released any more, and their leases end. */
  #stopped(): void {
    this.#end(this.#problem());
    for (const turn of this.held) turn.cut();
  }

  #end(problem: RequestError | null): void {
    this.#isClosed = true;
    this.#client.remove(this.#part);
    this.#wake();
    this.#abort();
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (problem === null) resolve({ done: true, value: undefined });
      else reject(problem);
    }
  }

  /** How many turns are wanted now. */
  get #wanted(): number {
    return Math.min(this.#waiting.length, (this.#options.atOnce ?? AT_ONCE) - this.#held.size);
  }

  /** Claims turns, one claim after the other, while there are callers that wait and room for turns. */
  async #claim(): Promise<void> {
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    for (let failures = 0; !this.#isClosed && this.#wanted > 0; ) {
      if (!this.#client.core.now.connected) {
        await this.#pause();
        continue;
      }
      const askedMs = Date.now();
      try {
        const turns = await this.#ask(this.#wanted);
        for (const claimed of turns) this.#give(claimed);
        failures = 0;
        if (turns.length === 0 && Date.now() - askedMs < EARLY_MS) await this.#pause(EARLY_MS);
      } catch (error) {
        if (!(error instanceof RequestError) || !error.isTransient) {
          for (const { reject } of this.#waiting.splice(0)) reject(error);
        } else if (error.code !== UNREACHABLE || this.#client.core.now.connected) {
          await this.#pause(error.retryAfterMs || pauseAfter(failures++, error));
        }
      }
    }
    this.#isClaiming = false;
  }

  /** Claims over HTTP, since such a request can be ended. */
  async #ask(max: number): Promise<readonly ClaimedTurn[]> {
    const { conversationId, leaseS = LEASE_S } = this.#options;
    const ending = new AbortController();
    this.#abort = () => ending.abort();
    const timer = setTimeout(this.#abort, ANSWER_MS);
    try {
      const body = { max, wait: WAIT_S, leaseS, ...given({ conversationId }) };
      return (await this.#client.core.rest.post<ClaimedTurns>("turns/claim", body, ending.signal)).turns;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives a turn to the caller that has waited longest, or gives it back if nobody waits any more. */
  #give(claimed: ClaimedTurn): void {
    const turn = new Turn(this.#client, claimed, this.#options.leaseS ?? LEASE_S, () => {
      this.#held.delete(turn);
      void this.#claim();
    });
    this.#held.add(turn);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) void turn.abandon();
    else waiting.resolve({ done: false, value: turn });
  }

  /** Waits for a time, or for the next connection; or for the end. */
  #pause(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
