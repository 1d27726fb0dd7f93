import { RequestError } from "@talkwire/client";
import { texts } from "../texts";

/** A failed request whose message is in the reader's language. */
class WordedError extends RequestError {}

/** Returns the error with a message in the reader's language, as far as there is a text for its code. */
export function worded<T>(error: T): T | RequestError {
  if (!(error instanceof RequestError) || error instanceof WordedError) return error;
  const { code, message, details } = error;
  return new WordedError({ code, message: texts.problem(code, message), details });
}
