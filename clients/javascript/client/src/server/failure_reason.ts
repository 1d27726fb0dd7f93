/** Why a request or a connection failed, as far as the platform's own errors say it. */

import { RequestError, UNREACHABLE } from "./request_error.ts";

/** Returns the error of a server that cannot be reached. `base`: its address. */
export function unreachableFor(base: string, reason: string): RequestError {
  const message = `The server ${base} cannot be reached: ${reason}.`;
  return new RequestError({ code: UNREACHABLE, message, details: { url: base, reason } });
}

/** What a wrong address often leads to. */
export const NOT_TALKWIRE = "what it has answered does not come from Talkwire, so the address may be wrong";

/** What the errors of Node, of browsers, of React Native and of `socket.io-client` may have. */
interface PlatformError {
  readonly message?: unknown;
  readonly code?: unknown;
  /** Of `fetch` in Node. */
  readonly cause?: unknown;
  /** Of several addresses of a host, none of which could be reached. */
  readonly errors?: readonly unknown[];
  /** Of `socket.io-client`: the status of an answer, or the event of a WebSocket. */
  readonly description?: unknown;
  /** Of the event of a WebSocket. */
  readonly error?: unknown;
}

/** Returns a reason for people, without a full stop. */
export function reasonOf(error: unknown): string {
  const [reason, depth] = innermost(error, 0);
  const { location } = globalThis as { location?: { origin?: string } };
  // Browsers hide from a page why another server cannot be reached.
  if (depth > 0 || reason === "timeout" || location?.origin === undefined) return reason;
  return (
    `${reason}; browsers do not say why: the server may be down, the address may be wrong, a proxy may not forward ` +
    `WebSockets, or the server's setting \`origins\` may lack ${location.origin}`
  );
}

/** The innermost error names the cause; those around it only say that something failed. */
function innermost(error: unknown, depth: number): [reason: string, depth: number] {
  if (typeof error !== "object" || error === null) return [typeof error === "string" ? error : "unknown error", depth];
  const { message, code, cause, errors, description, error: inner } = error as PlatformError;
  if (typeof description === "number" && description > 0) return [statusReason(description), depth + 1];
  const below = [inner, description, cause, errors?.[0]].find((each) => typeof each === "object" && each !== null);
  const own = [message, code].find((each): each is string => typeof each === "string" && each !== "");
  if (below !== undefined && depth < DEPTH_MAX) {
    const found = innermost(below, depth + 1);
    if (found[0] !== "unknown error") return found;
  }
  return [own ?? "unknown error", depth];
}

const DEPTH_MAX = 5;

/** Says that an answer has a status that Talkwire would have explained. */
export function statusReason(status: number): string {
  return `it has answered with the HTTP status ${status}`;
}
