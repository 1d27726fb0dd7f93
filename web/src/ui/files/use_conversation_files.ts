import type { Message, SentFile, SentLink } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useCallback, useEffect, useRef, useState } from "react";
import type { FileKind } from "../../chat/files/files";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

/** A list that is read page by page. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  /** Whether there is another page. */
  readonly hasMore: boolean;
  readonly status: "loading" | "done" | "failed";
  readonly problem: string;
  readonly loadMore: () => void;
  readonly reload: () => void;
}

export type ConversationFiles = Listed<SentFile>;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

type Loaded<Item> = Omit<Listed<Item>, "loadMore" | "reload" | "hasMore"> & Page<Item>;

const NOTHING: Loaded<never> = { items: [], next: null, status: "loading", problem: "" };

/** Returns the files of a conversation, page by page. Starts again when a message with files is added or deleted. */
export function useConversationFiles(id: string, kind: FileKind): ConversationFiles {
  const { files } = useChat();
  const list = useCallback((cursor: string | null) => files.list(id, kind, cursor), [files, id, kind]);
  return usePages(id, list, attachedIn);
}

/** Returns the links in a conversation's messages, page by page. Starts again when a message with links changes. */
export function useConversationLinks(id: string): Listed<SentLink> {
  const { files } = useChat();
  return usePages(
    id,
    useCallback((cursor: string | null) => files.listLinks(id, cursor), [files, id]),
    linkedIn,
  );
}

/** `stateOf`: what has to change in the loaded messages for the list to be read again. */
function usePages<Item>(
  id: string,
  list: (cursor: string | null) => Promise<Page<Item>>,
  stateOf: (messages: readonly Message[]) => string,
): Listed<Item> {
  const [loaded, setLoaded] = useState<Loaded<Item>>(NOTHING);
  // Answers to earlier questions do not count.
  const asked = useRef(0);
  const read = useCallback(
    async (cursor: string | null): Promise<void> => {
      asked.current += 1;
      const number = asked.current;
      setLoaded((before) => ({ ...before, status: "loading", problem: "" }));
      try {
        const { items, next } = await list(cursor);
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
    [list],
  );
  const newest = useChatState(({ timelines }) => stateOf(own(timelines, id)?.messages ?? []));
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when the conversation has other files, and after a disconnection
  useEffect(() => void read(null), [read, newest, reconnects]);
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

/** Returns a text that changes when one of these messages with links is added, edited, deleted or shown first. */
function linkedIn(messages: readonly Message[]): string {
  const linked = messages.filter(({ content }) => content?.includes("://"));
  return linked.map(({ id, editedAt = "" }) => `${id} ${editedAt}`).join();
}
