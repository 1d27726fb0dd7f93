import type { PendingFile } from "@talkwire/client/parts";
import { placeOf } from "@talkwire/client/parts";
import { useMemo } from "react";
import { useStore } from "zustand";
import { useChat, useChatState } from "../page/chat_context";

/** What the reader has not finished in a thread, the most urgent first: a refused reply, a draft, a reply that waits. */
export type Unfinished = "refused" | "draft" | "waiting";

/** Returns what is unfinished in threads, by their places. Replies wait for the connection only. */
export function useUnfinishedThreads(): ReadonlyMap<string, Unfinished> {
  const { drafts, uploads, messages } = useChat();
  const written = useStore(drafts.threads);
  const files = useStore(uploads.state);
  const outbox = useStore(messages.outbox);
  const connected = useChatState((state) => state.connected);
  return useMemo(() => {
    const replies = outbox
      .filter(({ threadId }) => threadId)
      .map(({ conversationId, threadId, problem }) => ({
        place: placeOf(conversationId, threadId ?? undefined),
        problem,
      }));
    const found = new Map<string, Unfinished>();
    if (!connected) for (const { place } of replies) found.set(place, "waiting");
    for (const place of [...written, ...files.filter(isInThread).map((file) => file.place)]) found.set(place, "draft");
    for (const { place, problem } of replies) if (problem !== null) found.set(place, "refused");
    return found;
  }, [written, files, outbox, connected]);
}

const isInThread = ({ place, entryId }: PendingFile): boolean => entryId === null && place.includes(" ");
