/** What the reader does with a conversation of their team: take it, release it, hand it over, close it. */

import type { Conversation, RequestError } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import type { Chat } from "../../chat/chat";
import { deskTexts } from "./texts";
import { isStaffOf } from "./use_desk";

/** Makes the reader the handler, also in place of the present one. Shows who was faster. */
export function take(chat: Chat, { id, handler }: Conversation): Promise<boolean> {
  const from = handler == null || handler === chat.state.getState().me.id ? {} : { if: handler };
  return attempt(chat, () => chat.client.core.call("conversation:claim", { conversationId: id, ...from }));
}

export function release(chat: Chat, conversationId: string): Promise<boolean> {
  return attempt(chat, () => chat.client.core.call("conversation:release", { conversationId }));
}

export function close(chat: Chat, conversationId: string): Promise<boolean> {
  return attempt(chat, () => chat.client.core.call("conversation:close", { conversationId }));
}

/** Makes a colleague the handler, or adds a team, for which it waits. Rejects with `RequestError`. */
export async function handOver(chat: Chat, conversationId: string, to: string, note: string): Promise<void> {
  await chat.client.core.call("conversation:handoff", { conversationId, to, ...(note !== "" && { note }) });
}

/** Returns the open conversation, if the reader is in a team of it. */
export function openOfTeam(chat: Chat): Conversation | undefined {
  const state = chat.state.getState();
  const open = own(state.conversations, state.openId ?? "");
  return open !== undefined && isStaffOf(state, open) ? open : undefined;
}

/** Runs an action, and returns whether it succeeded. Shows why it was refused. */
async function attempt(chat: Chat, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    chat.showNotice("");
    return true;
  } catch (error) {
    chat.showNotice(await whyRefused(chat, error as RequestError));
    return false;
  }
}

/** Returns the reason of a refusal; that of a claim names the colleague who handles the conversation now. */
async function whyRefused(chat: Chat, { code, message, details }: RequestError): Promise<string> {
  const { handler } = (details ?? {}) as { handler?: string | null };
  if (code !== "conflict" || handler === undefined) return message;
  if (handler === null) return deskTexts.releasedMeanwhile;
  const name = await chat.people.get(handler).then(
    (user) => user.name,
    () => deskTexts.somebody,
  );
  return deskTexts.takenBy(name);
}
