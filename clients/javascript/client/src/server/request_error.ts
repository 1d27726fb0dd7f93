import type { ErrorAnswer, ErrorBody, ErrorCode, Message } from "./payloads.ts";

/** Why a request failed: one of the server's codes, or one of this client's. */
export interface ErrorFields {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  readonly details?: unknown;
}

/** Why a message with `ifLastSeq` or `ifHandler` was refused: something new has come, or somebody else handles it. */
export interface ConversationChanged {
  readonly reason: "changed";
  /** The number of the conversation's newest message. */
  readonly lastSeq: number;
  /** The newest messages after the expected one, at most 20, the oldest first. */
  readonly messages: readonly Message[];
  /** Who handles the conversation, null for nobody. Undefined in one without a team. */
  readonly handler?: string | null;
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

  /** What has come, if that is why a message with `ifLastSeq` or `ifHandler` was refused; else null. */
  get changed(): ConversationChanged | null {
    return changedIn(this.details);
  }
}

/** Returns the details of a refusal because something new has come; null for others. */
export function changedIn(details: unknown): ConversationChanged | null {
  const changed = details as ConversationChanged | null | undefined;
  return changed?.reason === "changed" ? changed : null;
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
