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
  /** Where the message is now; null: the server refused it. */
  readonly conversationId: string | null;
  /** Why the message, or the comment, was refused; empty when both were sent. */
  readonly problem: string;
}

/** Forwards a message to each of the targets, with a comment if it is not empty. */
export function forwardToAll(
  chat: Chat,
  message: Message,
  targets: readonly ForwardTarget[],
  comment: string,
): Promise<readonly ForwardResult[]> {
  return Promise.all(targets.map((target) => forward(chat, message, target, comment)));
}

async function forward(chat: Chat, message: Message, target: ForwardTarget, comment: string): Promise<ForwardResult> {
  let conversationId: string;
  try {
    conversationId = target.isPerson ? await chat.people.openDirect(target.id) : target.id;
    await chat.messages.forward(message.id, [conversationId]);
  } catch (error) {
    return { target, conversationId: null, problem: (error as Error).message };
  }
  if (comment === "") return { target, conversationId, problem: "" };
  try {
    await chat.talkwire.call("message:send", { conversationId, content: comment, clientMessageId: randomId() });
  } catch (error) {
    return { target, conversationId, problem: (error as Error).message };
  }
  return { target, conversationId, problem: "" };
}
