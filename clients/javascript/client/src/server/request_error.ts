import type { ErrorAnswer, ErrorBody, ErrorCode } from "./payloads.ts";

/** Why a request failed: one of the server's codes, or one of this client's. */
export interface ErrorFields {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  readonly details?: unknown;
}

/** A failed request: a `code` for programs and a `message` for people. */
export class RequestError extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor({ code, message, details }: ErrorFields) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** Whether a retry may succeed. */
  get isTransient(): boolean {
    return TRANSIENT_CODES.has(this.code);
  }

  /** Milliseconds after which the server allows a retry; 0 when it did not say. */
  get retryAfterMs(): number {
    const details = this.details as { retryAfterMs?: unknown } | null | undefined;
    return typeof details?.retryAfterMs === "number" ? details.retryAfterMs : 0;
  }
}

/** The server cannot be reached, or did not reply: the request may have been carried out. */
export const UNREACHABLE = "unreachable";

/** The application's function gave no token. */
export const TOKEN_UNAVAILABLE = "token_unavailable";

/** Codes with which the server refuses the token or the session. */
export const FINAL_CODES: ReadonlySet<string> = new Set(["unauthenticated", "banned", "forbidden"]);

export function unreachable(): RequestError {
  return new RequestError({ code: UNREACHABLE, message: "The server cannot be reached." });
}

/** Returns the error in an answer of the server; undefined in the JSON of anything else, such as a gateway. */
export function errorBodyOf(answer: unknown): ErrorBody | undefined {
  const error = (answer as Partial<ErrorAnswer> | null)?.error;
  return typeof error?.code === "string" ? error : undefined;
}

const TRANSIENT_CODES = new Set([UNREACHABLE, TOKEN_UNAVAILABLE, "unavailable", "rate_limited", "token_expired"]);
