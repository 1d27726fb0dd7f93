/** Forwarding a message to several places: each for itself, so that one refusal does not stop the others. */

import type { Message } from "@talkwire/client";
import { randomId } from "@talkwire/client/parts";
import type { Chat } from "../chat";

/** A conversation, or a person whose conversation with the reader is created where it does not exist. */
export interface ForwardTarget {
  /** The id of the conversation, or of the person. */
  readonly id: string;
  readonly name: string;
  readonly isPerson: boolean;
}

export interface ForwardResult {
  readonly target: ForwardTarget;
  /** The conversation of the target; null: it could not be created. */
  readonly conversationId: string | null;
  /** Whether the message is there, even if the comment is not. */
  readonly isForwarded: boolean;
  /** Why the message, or the comment, was not sent; empty when both were. */
  readonly problem: string;
}

/** What was sent to a conversation, by names that are the same when it is sent again. */
interface Attempt {
  readonly key: string;
  isForwarded: boolean;
  comment: { readonly content: string; readonly clientMessageId: string };
}

/** Forwards one message. A retry sends what is missing, and what arrived without an answer is not there twice. */
export class Forwarding {
  readonly #chat: Chat;
  /** By the ids of the conversations. */
  readonly #attempts = new Map<string, Attempt>();

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  /**
   * Forwards the message to each of the targets, with a comment if it is not empty. Returns null, and sends nothing, if
   * the message is not what the reader sees: it was edited or deleted, which the dialog shows then. A message that cannot
   * be loaded creates no conversation with a person.
   */
  async toAll(
    shown: Message,
    targets: readonly ForwardTarget[],
    comment: string,
  ): Promise<readonly ForwardResult[] | null> {
    try {
      const { content = "", deletedAt } = await this.#chat.dialogMessage.load(shown.id);
      if (deletedAt !== undefined || content !== (shown.content ?? "")) return null;
    } catch (error) {
      const problem = (error as Error).message;
      return targets.map((target) => ({ target, conversationId: null, isForwarded: false, problem }));
    }
    return Promise.all(targets.map((target) => this.#to(shown, target, comment)));
  }

  async #to(shown: Message, target: ForwardTarget, comment: string): Promise<ForwardResult> {
    let conversationId: string | null = null;
    let isForwarded = false;
    try {
      conversationId = target.isPerson ? await this.#chat.people.openDirect(target.id) : target.id;
      const attempt = this.#attemptAt(conversationId, comment);
      if (!attempt.isForwarded) await this.#chat.messages.forward(shown.id, [conversationId], attempt.key);
      attempt.isForwarded = isForwarded = true;
      if (comment !== "") await this.#chat.client.core.call("message:send", { conversationId, ...attempt.comment });
    } catch (error) {
      return { target, conversationId, isForwarded, problem: (error as Error).message };
    }
    return { target, conversationId, isForwarded, problem: "" };
  }

  /** Another comment is another message. */
  #attemptAt(conversationId: string, content: string): Attempt {
    const attempt = this.#attempts.get(conversationId) ?? {
      key: randomId(),
      isForwarded: false,
      comment: { content, clientMessageId: randomId() },
    };
    if (attempt.comment.content !== content) attempt.comment = { content, clientMessageId: randomId() };
    this.#attempts.set(conversationId, attempt);
    return attempt;
  }
}
