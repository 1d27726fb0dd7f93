import type { SentFile } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useCallback, useEffect, useRef, useState } from "react";
import type { FileKind } from "../../chat/files/files";
import { useChat, useChatState } from "../chat_context";

export interface ConversationFiles {
  readonly items: readonly SentFile[];
  /** Whether there is another page. */
  readonly hasMore: boolean;
  readonly status: "loading" | "done" | "failed";
  readonly problem: string;
  readonly loadMore: () => void;
  readonly reload: () => void;
}

type Loaded = Omit<ConversationFiles, "loadMore" | "reload" | "hasMore"> & { readonly next: string | null };

const NOTHING: Loaded = { items: [], next: null, status: "loading", problem: "" };

/** Returns the files of a conversation, page by page. Starts again when a message with files is added or deleted. */
export function useConversationFiles(id: string, kind: FileKind): ConversationFiles {
  const { files } = useChat();
  const [loaded, setLoaded] = useState(NOTHING);
  // Answers to earlier questions do not count.
  const asked = useRef(0);
  const read = useCallback(
    async (cursor: string | null): Promise<void> => {
      asked.current += 1;
      const number = asked.current;
      setLoaded((before) => ({ ...before, status: "loading", problem: "" }));
      try {
        const { items, next } = await files.list(id, kind, cursor);
        if (number !== asked.current) return;
        setLoaded((before) => ({
          items: cursor === null ? items : [...before.items, ...items],
          next,
          status: "done",
          problem: "",
        }));
      } catch (error) {
        if (number !== asked.current) return;
        setLoaded((before) => ({ ...before, status: "failed", problem: (error as Error).message }));
      }
    },
    [files, id, kind],
  );
  const newest = useChatState(({ timelines }) => attachedIn(own(timelines, id)?.messages ?? []));
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the conversation has other files
  useEffect(() => void read(null), [read, newest]);
  const { next, ...shown } = loaded;
  return {
    ...shown,
    hasMore: next !== null,
    loadMore: () => void read(next),
    reload: () => void read(null),
  };
}

/** Returns a text that changes when one of these messages with files is added, deleted or shown for the first time. */
function attachedIn(messages: readonly { id: string; attachments?: readonly unknown[] }[]): string {
  const attached = messages.filter(({ attachments = [] }) => attachments.length > 0);
  return `${attached.length} ${attached.at(-1)?.id}`;
}
