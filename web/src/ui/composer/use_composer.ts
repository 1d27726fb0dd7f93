import type { Message } from "@talkwire/client";
import type { OutboxEntry, PendingFile } from "@talkwire/client/parts";
import {
  atComposer,
  EMPTY,
  FILES_MAX,
  lastOwnMessage,
  own,
  placeOf,
  type Timeline,
  withChanges,
} from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { trimmed } from "../../chat/markdown/trimmed";
import type { Composing } from "../../chat/page_core";
import { charactersOver } from "../../chat/writing/message_length";
import { texts } from "../../texts";
import { clockTime } from "../../time_format";
import { isFinal } from "../files/problem_text";
import { useChat, useChatState } from "../page/chat_context";
import { useDraft } from "./use_draft";
import { useSecondsUntil, useSlowMode } from "./use_slow_mode";

/** Of a text that is too long for a message. */
const FILE_NAME = "message.txt";

export interface ComposerState {
  readonly content: string;
  readonly composing: Composing | null;
  /** The message that is being edited. */
  readonly edited: Message | null;
  readonly attached: readonly PendingFile[];
  readonly isTooLong: boolean;
  /** Whether `toFile` could help. */
  readonly canBeFile: boolean;
  /** Why it cannot be sent; empty when it can. */
  readonly problem: string;
  readonly canSend: boolean;
  /** The seconds of slow mode before the reader may write again; 0 when they may. */
  readonly waitsS: number;
  readonly setContent: (content: string) => void;
  /** Does nothing while a message is being edited. */
  readonly attach: (files: readonly File[]) => void;
  /** Attaches a file to the next message, also while another one is being edited. */
  readonly keep: (file: File) => void;
  readonly send: () => void;
  /** Attaches the text as a file, and empties the field. */
  readonly toFile: () => void;
  /** Stops replying or editing. */
  readonly cancel: () => void;
  /** Edits the reader's last message, which may be waiting in the outbox. Returns whether there is one. */
  readonly editLast: () => boolean;
}

/** The state of a conversation's or a thread's composer. */
export function useComposer(id: string, threadId: string | undefined): ComposerState {
  const chat = useChat();
  const { drafts, messages, threads, typing, uploads, state } = chat;
  const myId = useChatState(({ me }) => me.id);
  // A message of a thread is edited and replied to in the thread.
  const composing = useChatState(({ composing: all }) =>
    all?.message.threadId === threadId && all?.message.conversationId === id ? all : null,
  );
  const edited = composing?.kind === "edit" ? composing.message : null;
  const place = placeOf(id, threadId);
  const { content, setContent } = useDraft(drafts, place, composing);
  const pending = useStore(uploads.state);
  const attached = useMemo(() => atComposer(pending, place), [pending, place]);
  const [leftOut, setLeftOut] = useState("");

  const editedId = edited?.id;
  useEffect(() => {
    // Whether the edit was saved, cancelled, or left for another message or conversation.
    if (editedId !== undefined) return () => typing.stop(id);
  }, [typing, id, editedId]);

  const text = trimmed(content);
  const over = useMemo(() => charactersOver(text), [text]);
  const isTooLong = over > 0;
  const isStuck = edited === null && attached.some(({ problem }) => problem !== null);
  const hasFiles = (edited === null ? attached : (edited.attachments ?? [])).length > 0;
  const untilNext = useSecondsUntil(useSlowMode(id)?.next ?? 0);
  // Slow mode limits new messages, not edits.
  const waitsS = edited === null ? untilNext : 0;
  const canSend = (text !== "" || hasFiles) && !isTooLong && !isStuck && waitsS === 0;

  const write = (value: string): void => {
    setContent(value);
    if (threadId !== undefined) return;
    if (value === "") typing.stop(id);
    else typing.type(id);
  };
  /** Returns whether there was room for all files. */
  const keep = (files: readonly File[]): boolean => {
    const isWhole = uploads.add(place, files).length === files.length;
    setLeftOut(isWhole ? "" : texts.tooManyFiles(FILES_MAX));
    return isWhole;
  };
  const attach = (files: readonly File[]): boolean => edited === null && files.length > 0 && keep(files);
  const sendNew = (): void => {
    setContent("");
    void messages.send({
      conversationId: id,
      content: text,
      replyToId: composing?.message.id ?? null,
      threadId: threadId ?? null,
      attachments: attached.map((file) => file.id),
    });
  };
  const loaded = (): Timeline =>
    threadId === undefined
      ? (own(state.getState().timelines, id) ?? EMPTY)
      : { ...EMPTY, messages: threads.state.getState().thread?.replies ?? [] };
  /** Returns a message with what the reader has changed and the server does not know yet. */
  const withOwnChanges = (message: Message): Message =>
    withChanges(message, messages.changes.getState().get(message.id) ?? [], myId);
  const shownNow = (message: Message): Message => {
    const found = loaded().messages.find((each) => each.id === message.id);
    return found === undefined ? message : withOwnChanges(found);
  };
  return {
    content,
    composing,
    edited,
    attached,
    isTooLong,
    canBeFile: isTooLong && edited === null,
    canSend,
    waitsS,
    problem: isTooLong ? texts.tooLong(over) : isStuck ? texts.fileTrouble(!attached.some(isFinal)) : leftOut,
    setContent: write,
    attach,
    keep: (file) => void keep([file]),
    toFile: () => {
      // With its blanks, unlike a message.
      if (attach([new File([content], FILE_NAME, { type: "text/plain" })])) write("");
    },
    send: () => {
      if (waitsS > 0) state.setState({ announcement: texts.slowMode.youWait(clockTime(waitsS * 1_000)) });
      if (!canSend) return;
      if (edited !== null && messages.showOtherEdit(shownNow(edited), text)) return;
      if (edited === null) typing.sent(id);
      // Before the edit ends, which lets a waiting message go.
      if (edited !== null) messages.edit(edited, text);
      // The conversation and its thread may reply to different messages.
      if (composing !== null) messages.compose(null);
      setLeftOut("");
      if (edited === null) sendNew();
    },
    cancel: () => {
      if (composing?.kind === "edit") messages.offerEditAgain(composing);
      messages.compose(null);
    },
    editLast: () => {
      const waiting = messages.outbox.getState().findLast((entry) => isOf(entry, id, threadId));
      // One that is being sent stays; an older message would be mistaken for it.
      if (waiting !== undefined) {
        messages.editUnsent(waiting.clientMessageId);
        return true;
      }
      const last = lastOwnMessage(loaded(), myId, threadId);
      if (last !== undefined) messages.compose({ kind: "edit", message: withOwnChanges(last) });
      return last !== undefined;
    },
  };
}

/** Returns whether an entry of the outbox belongs to a conversation or to one of its threads. */
function isOf(entry: OutboxEntry, id: string, threadId: string | undefined): boolean {
  return entry.conversationId === id && (entry.threadId ?? undefined) === threadId;
}
