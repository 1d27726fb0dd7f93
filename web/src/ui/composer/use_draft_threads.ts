import type { PendingFile } from "@talkwire/client/parts";
import { useMemo } from "react";
import { useStore } from "zustand";
import { useChat } from "../chat_context";

/** Returns the places of the threads that have a draft, or files at their composer. */
export function useDraftThreads(): readonly string[] {
  const { drafts, uploads } = useChat();
  const written = useStore(drafts.threads);
  const files = useStore(uploads.state);
  return useMemo(
    () => [...new Set([...written, ...files.filter(isInThread).map(({ place }) => place)])],
    [written, files],
  );
}

/** Returns whether the thread of this place has a draft, or files at its composer. */
export function useHasDraft(place: string): boolean {
  const { drafts, uploads } = useChat();
  const isWritten = useStore(drafts.threads, (places) => places.has(place));
  const hasFiles = useStore(uploads.state, (files) => files.some((file) => isInThread(file) && file.place === place));
  return isWritten || hasFiles;
}

const isInThread = ({ place, entryId }: PendingFile): boolean => entryId === null && place.includes(" ");
