/**
 * Asks before a second answer goes out. A member of a team sends with what they had seen when they began to write; the
 * server refuses the message if something has come since. If a colleague has answered or has taken the conversation over,
 * the message waits for the reader's decision. Otherwise, such as after a customer's next message, it is sent again.
 */

import type { Conversation, ConversationChanged, Message } from "@talkwire/client";
import {
  changedIn,
  type NewMessage,
  type OutboxEntry,
  own,
  placeOf,
  type SendConditions,
} from "@talkwire/client/parts";
import { useEffect } from "react";
import type { Chat } from "../../chat/chat";
import { isByAgent } from "../../chat/messages/agents";
import { useChat } from "../page/chat_context";
import { isStaffOf } from "./use_desk";

/** What came to a conversation while the reader wrote an answer: a colleague's newest answer, and who took it over. */
export interface Came {
  readonly answer?: Message;
  readonly handler?: string;
}

/** What the reader has seen of a conversation: up to which message, and who handled it. */
export type Seen = Required<SendConditions>;

export class AnswerGuard {
  readonly #chat: Chat;
  /** By conversation: what a question has shown, to which the reader has said that their answer is sent all the same. */
  readonly #shown = new Map<string, SendConditions>();
  /** The messages of which is being decided whether the reader is asked. */
  readonly #deciding = new Set<string>();

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  /** Starts to guard the answers. Returns a function that ends this. */
  start(): () => void {
    const { messages, state } = this.#chat;
    const decide = (): void => {
      for (const entry of messages.outbox.getState()) if (isChanged(entry)) this.#startToDecide(entry.clientMessageId);
    };
    const former = messages.conditionsOf;
    messages.conditionsOf = (message) => this.#conditionsOf(message);
    const ends = [
      messages.outbox.subscribe(decide),
      state.subscribe((now, before) => now.connected && !before.connected && decide()),
    ];
    decide();
    return () => {
      messages.conditionsOf = former;
      for (const end of ends) end();
    };
  }

  /** Notes what the reader has seen when they begin a draft. What they found there is kept, as noted when it was begun. */
  begin(conversationId: string, threadId: string | undefined, isFound: boolean): void {
    const { drafts } = this.#chat;
    const place = placeOf(conversationId, threadId);
    const known = isFound ? drafts.begun(place) : null;
    const seen = this.#seen(conversationId);
    if (seen !== undefined) drafts.saveBegun(place, known ?? JSON.stringify(seen));
  }

  /** Forgets what was noted of a draft that was sent or removed. */
  end(conversationId: string, threadId: string | undefined): void {
    this.#chat.drafts.saveBegun(placeOf(conversationId, threadId), null);
  }

  /** Returns why the reader is asked about a refused message; null if they are not. */
  cameTo(entry: OutboxEntry): Came | null {
    const { conversations, me } = this.#chat.state.getState();
    const conversation = own(conversations, entry.conversationId);
    return conversation === undefined ? null : came(entry, conversation, me.id, this.#shown.get(conversation.id));
  }

  /** Sends messages about which the reader was asked. What comes after the question makes another one. */
  sendAnyway(entries: readonly OutboxEntry[]): void {
    const { messages } = this.#chat;
    for (const { clientMessageId, conversationId, problemDetails } of entries) {
      const changed = changedIn(problemDetails);
      if (changed === null) continue;
      const ifLastSeq = Math.max(changed.lastSeq, messages.seenSeq(conversationId));
      this.#shown.set(conversationId, { ...conditionsAfter(changed), ifLastSeq });
      messages.retry(clientMessageId, { ...conditionsAfter(changed), ifLastSeq });
    }
  }

  /** Returns messages to the message field of their place, with their files and what they reply to. */
  async keepAsDraft(entries: readonly OutboxEntry[]): Promise<void> {
    const { drafts, messages, uploads, state } = this.#chat;
    const [first] = entries;
    if (first === undefined) return;
    const place = placeOf(first.conversationId, first.threadId ?? undefined);
    const changed = entries.map(({ problemDetails }) => changedIn(problemDetails)).findLast((each) => each !== null);
    if (changed != null) this.#shown.set(first.conversationId, conditionsAfter(changed));
    uploads.assign(
      entries.flatMap(({ attachments = [] }) => attachments),
      null,
    );
    const texts = [...entries.map(({ content }) => content), drafts.current(place)];
    drafts.replace(place, texts.filter((text) => text !== "").join("\n"));
    for (const { clientMessageId } of entries) messages.discard(clientMessageId);
    const replyToId = entries.find((entry) => entry.replyToId !== null)?.replyToId;
    if (replyToId == null || state.getState().composing !== null) return;
    const message = await messages.known(replyToId);
    const { composing, openId } = state.getState();
    if (message !== undefined && composing === null && openId === first.conversationId)
      messages.compose({ kind: "reply", message });
  }

  #conditionsOf({ conversationId, threadId }: NewMessage): SendConditions {
    const seen = this.#seen(conversationId);
    if (seen === undefined) return {};
    const begun = this.#chat.drafts.begun(placeOf(conversationId, threadId ?? undefined));
    return begun === null ? seen : (JSON.parse(begun) as Seen);
  }

  /** Returns what the reader has seen of a conversation by now; undefined where answers are not guarded. */
  #seen(id: string): Seen | undefined {
    const { messages, state } = this.#chat;
    const now = state.getState();
    const conversation = own(now.conversations, id);
    if (conversation?.handler === undefined || conversation.notesOf !== undefined || !isStaffOf(now, conversation))
      return undefined;
    const shown = this.#shown.get(id)?.ifLastSeq ?? 0;
    return { ifLastSeq: Math.max(messages.seenSeq(id), shown), ifHandler: conversation.handler };
  }

  #startToDecide(clientMessageId: string): void {
    if (this.#deciding.has(clientMessageId)) return;
    this.#deciding.add(clientMessageId);
    // Not before the outbox has stored that the message was refused.
    void Promise.resolve()
      .then(() => this.#decide(clientMessageId))
      .finally(() => this.#deciding.delete(clientMessageId));
  }

  /** Sends a refused message again, unless the reader has to be asked. */
  async #decide(clientMessageId: string): Promise<void> {
    const { conversations, messages, state } = this.#chat;
    const find = () => messages.outbox.getState().find((each) => each.clientMessageId === clientMessageId);
    const id = find()?.conversationId ?? "";
    const isLoaded = (): boolean => own(state.getState().conversations, id)?.members !== undefined;
    if (!isLoaded()) await conversations.load(id);
    const entry = find();
    if (!isLoaded() || entry === undefined) return;
    const changed = changedIn(entry.problemDetails);
    if (changed !== null && this.cameTo(entry) === null) messages.retry(clientMessageId, conditionsAfter(changed));
  }
}

/**
 * Returns what makes a question of a refused message: the newest answer of a colleague, and a colleague who handles the
 * conversation since. Null if there is neither. `shown`: what the reader has decided about already.
 */
export function came(
  { problemDetails, ifHandler }: OutboxEntry,
  conversation: Conversation,
  myId: string,
  shown: SendConditions = {},
): Came | null {
  const changed = changedIn(problemDetails);
  if (changed === null) return null;
  const { messages, handler } = changed;
  const answer = messages.findLast(
    (message) => message.seq > (shown.ifLastSeq ?? 0) && isAnswer(message, conversation, myId),
  );
  const isTaken = handler != null && handler !== myId && ifHandler !== undefined && handler !== ifHandler;
  const isNews = isTaken && handler !== shown.ifHandler;
  if (answer === undefined && !isNews) return null;
  return { ...(answer !== undefined && { answer }), ...(isNews && { handler }) };
}

/** Returns whether a message answers the customer in place of the reader: one of a colleague or an agent. */
function isAnswer(message: Message, { members = [] }: Conversation, myId: string): boolean {
  const { senderId, type, deletedAt } = message;
  if (senderId === myId || type === "system" || deletedAt !== undefined) return false;
  return isByAgent(message) || members.some(({ userId, via = [] }) => userId === senderId && via.length > 0);
}

const isChanged = ({ problemDetails }: OutboxEntry): boolean => changedIn(problemDetails) !== null;

function conditionsAfter({ lastSeq, handler }: ConversationChanged): SendConditions {
  return { ifLastSeq: lastSeq, ...(handler !== undefined && { ifHandler: handler }) };
}

const guards = new WeakMap<Chat, AnswerGuard>();

/** Returns the guard of a chat. The same chat has the same one. */
export function guardOf(chat: Chat): AnswerGuard {
  const guard = guards.get(chat) ?? new AnswerGuard(chat);
  guards.set(chat, guard);
  return guard;
}

/** Guards the answers of the reader, whatever is open. */
export function useAnswerGuard(): void {
  const chat = useChat();
  useEffect(() => guardOf(chat).start(), [chat]);
}
