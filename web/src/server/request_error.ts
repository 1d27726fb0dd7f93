import type { ErrorCode } from "./payloads";

/** Why something was refused: by the server, with one of its codes, or on the way to it, with one of this client's. */
export interface ErrorFields {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  readonly details?: unknown;
}

/** What the server, or the way to it, said no to: a `code` for programs, a `message` for people. */
export class RequestError extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor({ code, message, details }: ErrorFields) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** Whether the same may be tried again later, and go well. */
  get isTransient(): boolean {
    return TRANSIENT_CODES.has(this.code);
  }

  /** Milliseconds after which the server wants to be asked again; 0 when it did not say. */
  get retryAfterMs(): number {
    const details = this.details as { retryAfterMs?: unknown } | null | undefined;
    return typeof details?.retryAfterMs === "number" ? details.retryAfterMs : 0;
  }
}

/** There is no way to the server at the moment, or no answer came: nobody knows whether it was done. */
export const UNREACHABLE = "unreachable";

const TRANSIENT_CODES = new Set([UNREACHABLE, "unavailable", "rate_limited", "token_expired"]);
