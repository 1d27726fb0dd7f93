/** Asks by a card, and waits for the decision. Loaded with the first question. */

import type { Core } from "../core.ts";
import { given } from "../given.ts";
import { randomId } from "../platform.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { AskedCard, Message, SeenCard } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";

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
/** An answer that comes earlier, without an end, is followed by a pause. */
const EARLY_MS = 1_000;

/** Sends a card, and returns it once its decision has ended. */
export async function ask(
  core: Core,
  conversationId: string,
  card: AskedCard,
  { replyTo, threadId, clientMessageId = randomId(), signal }: AskOptions,
): Promise<SeenCard> {
  const body = { conversationId, card, clientMessageId, ...given({ replyToId: replyTo, threadId }) };
  const key = randomId();
  const { id } = await persistently(() => core.rest.postOnce<Message>("messages", body, key), signal);
  const address = `messages/${encodeURIComponent(id)}/card?wait=${WAIT_S}`;
  for (;;) {
    const askedMs = Date.now();
    const seen = await persistently(() => core.rest.get<SeenCard>(address), signal);
    if (seen.state !== "open") return seen;
    if (Date.now() - askedMs < EARLY_MS) await pause(EARLY_MS, signal);
  }
}

/** Repeats a request while the server cannot be reached or limits the rate. */
async function persistently<Answer>(request: () => Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await unlessAborted(request(), signal);
    } catch (error) {
      if (!(error instanceof RequestError) || !error.isTransient) throw error;
      await pause(error.retryAfterMs || pauseAfter(failures, error), signal);
    }
  }
}

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  unlessAborted(new Promise((resolve) => setTimeout(resolve, ms)), signal);

/** Returns a promise that is rejected with the signal's reason once the signal is aborted. */
function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return awaited;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    awaited.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
