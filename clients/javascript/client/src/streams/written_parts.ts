/** The parts of a message as its author writes them, and how much of them the server has. */

import type { MessagePart } from "../messages/message_parts.ts";
import type { AppendCommand, Message, PartProgress, ReasoningPart, TextPart } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";

/** The server's limit for a part, in bytes. A text of more UTF-16 code units has more bytes. */
const PART_MAX = 64 * 1024;
/** At most this much text is sent at once. */
const PIECE_MAX = 8 * 1024;

/** A part that is replaced as a whole. */
export type WholePart = Exclude<MessagePart, TextPart | ReasoningPart>;

/** A part, and how much of it the server has received and stored: of a text in UTF-16 code units, of others 1 or 0. */
interface Written {
  part: MessagePart;
  sent: number;
  stored: number;
  /** Whether the server had all of a text when the next part began. */
  isChecked?: boolean;
}

/** What is to be sent next: the payload of `message:append`, and the part as it was then. */
export interface Piece {
  readonly payload: Omit<AppendCommand, "messageId" | "attempt">;
  readonly part: MessagePart;
  /** Whether it is there already, unless the server has crashed since. */
  readonly isCheck?: boolean;
}

export class WrittenParts {
  readonly #written: Written[] = [];
  /** By the name that the author has given it: the index of a part that is no text. */
  readonly #keys = new Map<string, number>();
  /** The first half of an emoji at the end of the last text, which waits for the second one. */
  #half = "";

  get parts(): readonly MessagePart[] {
    return this.#written.map(({ part }) => part);
  }

  /** The parts as the server has received them. */
  get received(): readonly MessagePart[] {
    return this.#written.flatMap(({ part, sent }) => {
      if (sent === 0) return [];
      return ["text" in part ? { ...part, text: part.text.slice(0, sent) } : part];
    });
  }

  /** How much text has not been received by the server. */
  get waiting(): number {
    return this.#written.reduce((sum, each) => sum + lengthOf(each.part) - each.sent, 0);
  }

  get isStored(): boolean {
    return this.#written.every(({ part, stored }) => stored === lengthOf(part));
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** Adds a text to the last part, or begins another one if that has another type. */
  add(type: "text" | "reasoning", text: string): void {
    if (text === "") return;
    if (this.#written.at(-1)?.part.type !== type) this.#begin({ type, text: "" });
    const last = this.#written.at(-1) as Written & { part: TextPart };
    const whole = this.#half + text;
    this.#half = /[\ud800-\udbff]$/.exec(whole)?.[0] ?? "";
    const length = whole.length - this.#half.length;
    if (last.part.text.length + length > PART_MAX) throw tooLarge();
    last.part = { ...last.part, text: last.part.text + wellFormed(whole.slice(0, length)) };
  }

  /** Adds a part that is no text, or replaces the one with this key or index. */
  set(key: string | number, part: WholePart): void {
    const index = typeof key === "number" ? key : this.#keys.get(key);
    const before = index === undefined ? undefined : this.#written[index];
    if (before !== undefined) {
      before.part = part;
      before.sent = before.stored = 0;
      return;
    }
    if (typeof key === "number" && key !== this.#written.length)
      throw new RequestError({ code: "invalid_request", message: `The message has no part ${key}.` });
    this.#begin(part);
    if (typeof key === "string") this.#keys.set(key, this.#written.length - 1);
  }

  /** Ends the text that grows: half of an emoji at its end becomes U+FFFD. */
  endText(): void {
    const last = this.#written.at(-1);
    if (this.#half !== "" && last !== undefined && "text" in last.part)
      last.part = { ...last.part, text: `${last.part.text}\ufffd` };
    this.#half = "";
  }

  /** Returns whether a part is there, and is at least `at` long. */
  has(index: number, at = 0): boolean {
    const part = this.#written[index]?.part;
    return part !== undefined && at <= lengthOf(part);
  }

  /** Keeps the parts before one, and of it the first `at` units; without `at`, not that one either. */
  rewind(index: number, at?: number): void {
    this.#half = "";
    this.#written.length = Math.min(this.#written.length, at === undefined ? index : index + 1);
    for (const [key, place] of this.#keys) if (place >= this.#written.length) this.#keys.delete(key);
    const last = this.#written[index];
    if (last === undefined || at === undefined || !("text" in last.part)) return;
    last.part = { ...last.part, text: last.part.text.slice(0, at) };
    last.sent = Math.min(last.sent, at);
    last.stored = Math.min(last.stored, at);
  }

  /** Forgets what the server has not received. */
  dropWaiting(): void {
    this.#half = "";
    const { received } = this;
    this.#written.length = received.length;
    for (const [index, part] of received.entries()) (this.#written[index] as Written).part = part;
  }

  // --- sending ------------------------------------------------------------------------------------------------------

  /** Returns what is to be sent next; null if the server has everything. */
  next(): Piece | null {
    const index = this.#written.findIndex(({ part, sent }) => sent < lengthOf(part));
    const written = this.#written[index];
    if (written === undefined) return null;
    const before = this.#written[index - 1];
    if (written.sent === 0 && before !== undefined) {
      // A new part would be accepted although the end of this one was lost in a crash.
      const check = checkOf(before, index - 1);
      if (check !== null) return check;
    }
    const { part, sent: at } = written;
    if (!("text" in part)) return { payload: { part: index, set: part }, part };
    return { payload: { part: index, at, text: pieceOf(part.text, at), ...(at === 0 && { type: part.type }) }, part };
  }

  /** The server has received a piece. */
  accepted({ payload, part, isCheck = false }: Piece, length: number, stored: number): void {
    const written = this.#written[payload.part];
    // A part that is no text may have been replaced meanwhile.
    if (written === undefined || (written.part !== part && !("text" in written.part))) return;
    written.sent = Math.min(length, lengthOf(written.part));
    written.stored = stored;
    written.isChecked = isCheck;
  }

  /** The server has only so much of a text. Returns false if that is more than was written. */
  hasOnly(index: number, length: number): boolean {
    const written = this.#written[index];
    if (written === undefined || length > lengthOf(written.part)) return false;
    // The others may be shorter too. What is there is not added again.
    for (const each of this.#written) {
      each.sent = each.stored;
      each.isChecked = false;
    }
    written.sent = length;
    return true;
  }

  /** The server has only so many parts, and of them perhaps what is stored. Returns false if others cannot be sent. */
  hasOnlyParts(count: number): boolean {
    for (const [index, each] of this.#written.entries()) {
      each.sent = index < count ? each.stored : 0;
      each.stored = each.sent;
      each.isChecked = false;
    }
    const lacking = this.#written.slice(count);
    return lacking.length > 0 && lacking.every(({ part }) => lengthOf(part) > 0);
  }

  /**
   * The stream was opened, and the server has these parts. Takes them over if nothing was written yet. Returns false if
   * they are others than those that were written.
   */
  opened(message: Message, progress: readonly PartProgress[]): boolean {
    if (this.#written.length === 0) {
      const parts = message.parts ?? (message.content ? [{ type: "text" as const, text: message.content }] : []);
      for (const part of parts) this.#begin(part);
    }
    for (const each of this.#written) {
      each.sent = each.stored = 0;
      each.isChecked = false;
    }
    for (const [index, { type, length, stored }] of progress.entries()) {
      const written = this.#written[index];
      if (written?.part.type !== type || length > lengthOf(written.part)) return false;
      // One that is no text may be an earlier one.
      if ("text" in written.part) [written.sent, written.stored] = [length, stored];
    }
    return true;
  }

  #begin(part: MessagePart): void {
    this.endText();
    this.#written.push({ part, sent: 0, stored: 0 });
  }
}

/** Returns the length of a part as the server counts it. */
const lengthOf = (part: MessagePart): number => ("text" in part ? part.text.length : 1);

/** Returns the last character of a text, to send it once more; null if it is known to be there. */
function checkOf({ part, stored, isChecked }: Written, index: number): Piece | null {
  const length = lengthOf(part);
  if (isChecked || stored === length || !("text" in part)) return null;
  const at = length - (/[\udc00-\udfff]$/.test(part.text) ? 2 : 1);
  return { payload: { part: index, at, text: part.text.slice(at) }, part, isCheck: true };
}

/** Returns a piece of a text that does not end with half of an emoji. */
function pieceOf(text: string, at: number): string {
  const end = at + PIECE_MAX;
  return text.slice(at, /[\ud800-\udbff]/.test(text[end - 1] ?? "") ? end - 1 : end);
}

/** Returns a text with U+FFFD in place of each half of an emoji without the other half. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, "\ufffd");

const tooLarge = (): RequestError =>
  new RequestError({ code: "payload_too_large", message: `A part has at most ${PART_MAX} bytes.` });
