/** Pauses between attempts. */

import { RequestError } from "./request_error.ts";

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/**
 * Returns how long to wait after attempts that failed in a row, in milliseconds: a random time, so that clients that
 * failed together do not all try again together. It is not shorter than what the last refusal asked for.
 */
export function pauseAfter(failures: number, refusal?: unknown): number {
  const longest = Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS);
  const wanted = refusal instanceof RequestError ? refusal.retryAfterMs : 0;
  return Math.max(wanted, longest * (0.5 + Math.random() / 2));
}

/** Makes a request again while the server refuses it because of its rate limit, whenever it accepts the next one. */
export async function whenAccepted<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof RequestError) || error.retryAfterMs === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}
