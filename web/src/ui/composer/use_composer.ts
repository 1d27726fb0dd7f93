import type { Message } from "@talkwire/client";
import type { PendingFile } from "@talkwire/client/parts";
import { atComposer, EMPTY, FILES_MAX, lastOwnMessage, own, placeOf, withChanges } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import type { Composing } from "../../chat/page_core";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { useDraft } from "./use_draft";

/** The server's limit for a message, in bytes. */
const MAX_BYTES = 64 * 1024;

const encoder = new TextEncoder();

export interface ComposerState {
  readonly content: string;
  readonly composing: Composing | null;
  /** The message that is being edited. */
  readonly edited: Message | null;
  readonly attached: readonly PendingFile[];
  readonly isTooLong: boolean;
  /** Why it cannot be sent; empty when it can. */
  readonly problem: string;
  readonly canSend: boolean;
  readonly setContent: (content: string) => void;
  readonly attach: (files: readonly File[]) => void;
  readonly send: () => void;
  /** Stops replying or editing. */
  readonly cancel: () => void;
  /** Edits the reader's last message. Returns whether there is one. */
  readonly editLast: () => boolean;
}

/** The state of a conversation's or a thread's composer. */
export function useComposer(id: string, threadId: string | undefined): ComposerState {
  const { messages, threads, typing, uploads, state } = useChat();
  const myId = useChatState(({ me }) => me.id);
  // A message of a thread is edited and replied to in the thread.
  const composing = useChatState(({ composing: all }) => (all?.message.threadId === threadId ? all : null));
  const edited = composing?.kind === "edit" ? composing.message : null;
  const name = threadId === undefined ? id : `${id}.${threadId}`;
  const { content, setContent } = useDraft(myId, id, name, composing);
  const place = placeOf(id, threadId);
  const pending = useStore(uploads.state);
  const attached = useMemo(() => atComposer(pending, place), [pending, place]);
  const [leftOut, setLeftOut] = useState("");

  const editedId = edited?.id;
  useEffect(() => {
    // Whether the edit was saved, cancelled, or left for another message or conversation.
    if (editedId !== undefined) return () => typing.stop(id);
  }, [typing, id, editedId]);

  const isTooLong = encoder.encode(content).length > MAX_BYTES;
  const isStuck = edited === null && attached.some(({ problem }) => problem !== null);
  const hasFiles = (edited === null ? attached : (edited.attachments ?? [])).length > 0;
  const canSend = (content.trim() !== "" || hasFiles) && !isTooLong && !isStuck;

  const sendNew = (said: string): void => {
    setContent("");
    void messages.send({
      conversationId: id,
      content: said,
      replyToId: composing?.message.id ?? null,
      threadId: threadId ?? null,
      attachments: attached.map((file) => file.id),
    });
  };
  return {
    content,
    composing,
    edited,
    attached,
    isTooLong,
    canSend,
    problem: isTooLong ? texts.tooLong : isStuck ? texts.fileTrouble : leftOut,
    setContent: (value) => {
      setContent(value);
      if (threadId !== undefined) return;
      if (value === "") typing.stop(id);
      else typing.type(id);
    },
    attach: (files) => {
      if (edited !== null || files.length === 0) return;
      const isWhole = uploads.add(place, files).length === files.length;
      setLeftOut(isWhole ? "" : texts.tooManyFiles(FILES_MAX));
    },
    send: () => {
      if (!canSend) return;
      if (edited === null) typing.sent(id);
      // The conversation and its thread may reply to different messages.
      if (composing !== null) messages.compose(null);
      setLeftOut("");
      if (edited === null) sendNew(content.trim());
      else messages.edit(edited, content.trim());
    },
    cancel: () => messages.compose(null),
    editLast: () => {
      const said =
        threadId === undefined
          ? own(state.getState().timelines, id)
          : { ...EMPTY, messages: threads.state.getState().thread?.replies ?? [] };
      const last = lastOwnMessage(said, myId, threadId);
      if (last !== undefined) {
        const changes = messages.changes.getState().get(last.id) ?? [];
        messages.compose({ kind: "edit", message: withChanges(last, changes, myId) });
      }
      return last !== undefined;
    },
  };
}
