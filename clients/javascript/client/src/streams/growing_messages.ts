/** The newest parts of messages that are being written, as the server's deltas have brought them. */

import { type MessagePart, withParts } from "../messages/message_parts.ts";
import type { Message, MessageDelta } from "../server/payloads.ts";

/** What has grown is shown after this time, together: about a frame. */
const FRAME_MS = 16;

/** What a message has now is stored within this time. */
const STORED_WITHIN_MS = 1_500;

/** The newest parts of a message that is being written. */
export interface GrownMessage {
  readonly conversationId: string;
  readonly parts: readonly MessagePart[];
}

export type GrownMessages = ReadonlyMap<string, GrownMessage>;

/**
 * Returns the parts after a delta; null if it does not continue them. That takes as long as the message has parts, since
 * engines join texts without copying them.
 */
export function withDelta(parts: readonly MessagePart[], delta: MessageDelta): MessagePart[] | null {
  const { part: index, at = 0, text, set, type = "text", replace, drop } = delta;
  const before = parts[index];
  if (index > parts.length) return null;
  const after = [...(drop ? parts.slice(0, index) : parts)];
  if (set !== undefined) {
    after[index] = set;
  } else if (text !== undefined && (replace || (before === undefined && at === 0))) {
    after[index] = { type, text };
  } else if (text !== undefined) {
    if (before === undefined || !("text" in before) || before.text.length !== at) return null;
    after[index] = { ...before, text: before.text + text };
  }
  return after;
}

/**
 * Messages that grow while they are read. Only what the connection has brought from its first delta on is here: the first
 * one of each part has all of it. All conversations are followed, so that one that is opened later has the whole text.
 */
export class GrowingMessages {
  /** Called with the messages that have grown, by their ids, at most once a frame. */
  readonly handlers: ((grown: GrownMessages) => void)[] = [];
  /** Called for a message that was loaded, when all that it had then is stored. Deltas of it may have come since. */
  onStored: (message: Message) => void = () => undefined;
  readonly #grown = new Map<string, GrownMessage>();
  #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Applies a delta. One that does not continue the text is ignored, and all that follow until one has the whole part. */
  receive(delta: MessageDelta): void {
    const { messageId: id, conversationId } = delta;
    const parts = withDelta(this.#grown.get(id)?.parts ?? [], delta);
    if (parts === null || !(this.#grown.has(id) || delta.replace || delta.drop)) {
      this.#grown.delete(id);
      return;
    }
    this.#grown.set(id, { conversationId, parts });
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.#show(), FRAME_MS);
  }

  /** Whether the whole text of a message is here. */
  has(id: string): boolean {
    return this.#grown.has(id);
  }

  /** Returns a message with its newest parts, if it is being written and they are here. */
  of(message: Message): Message {
    const grown = message.state === "streaming" ? this.#grown.get(message.id) : undefined;
    return grown === undefined ? message : withParts(message, grown.parts);
  }

  /**
   * Returns a message that was loaded, as `of` does. Until the next delta comes, one that is being written lacks what was
   * written in the last second: it is loaded once more.
   */
  loaded(message: Message): Message {
    if (message.state === "streaming" && !this.has(message.id))
      setTimeout(() => this.onStored(message), STORED_WITHIN_MS);
    return this.of(message);
  }

  /** Forgets a message whose text is stored now. */
  ended(id: string): void {
    this.#grown.delete(id);
  }

  /** Forgets all messages: what comes next may not continue them. */
  clear(): void {
    this.#grown.clear();
  }

  #show(): void {
    this.#timer = undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    const grown = new Map([...this.#grown].filter(([id]) => changed.has(id)));
    if (grown.size > 0) for (const handler of this.handlers) handler(grown);
  }
}
