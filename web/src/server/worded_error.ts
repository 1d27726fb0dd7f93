import { RequestError } from "@talkwire/client";
import { texts } from "../texts";
import { endTime } from "../time_format";

/** A failed request whose message is in the reader's language. */
class WordedError extends RequestError {}

/** Returns the error with a message in the reader's language, as far as there is a text for its code. */
export function worded<T>(error: T): T | RequestError {
  if (!(error instanceof RequestError) || error instanceof WordedError) return error;
  const { code, message, details } = error;
  return new WordedError({ code, message: problemOf(code, message, details), details });
}

/** Returns why a request failed, for people. */
export function problemOf(code: string, message: string, details: unknown): string {
  const ban = code === "banned" ? banText((details ?? {}) as BanDetails) : null;
  return ban ?? texts.problem(code, withoutFields(message, details));
}

/** The details of a refusal because of a ban from the server or, with its id, from a conversation. */
interface BanDetails {
  readonly conversationId?: string;
  readonly until?: string | null;
  readonly reason?: string | null;
  /** The user was erased. */
  readonly erased?: true;
  /** Other users who are banned. */
  readonly userIds?: readonly string[];
}

/** Returns from what the reader is banned, until when and why; null if others are. */
function banText({ conversationId, until, reason = null, erased, userIds }: BanDetails): string | null {
  if (userIds !== undefined) return null;
  if (erased) return texts.ended.erased ?? null;
  const end = until ? endTime(until) : null;
  return conversationId === undefined ? texts.accountIsBanned(end, reason) : texts.places.youAreBanned(end, reason);
}

/** Returns what is wrong without the names of the request's fields, which only developers know. */
function withoutFields(message: string, details: unknown): string {
  const messages = (Array.isArray(details) ? details : []).map((each: unknown) => messageOf(each));
  return messages.length === 0 || messages.includes("") ? message : messages.map(sentence).join(" ");
}

function messageOf(detail: unknown): string {
  const { path, message } = (detail ?? {}) as { path?: unknown; message?: unknown };
  return typeof path === "string" && typeof message === "string" ? message : "";
}

const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
