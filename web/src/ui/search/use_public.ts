import type { Conversation } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

const TYPING_PAUSE_MS = 200;
const NONE: readonly Conversation[] = [];

/** Returns public conversations of the name that the reader has not joined; none when the server does not answer. */
export function usePublic(query: string): readonly Conversation[] {
  const { moderation } = useChat();
  const mine = useChatState((state) => state.conversations);
  const [found, setFound] = useState(NONE);
  const wanted = query.trim();
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    if (wanted === "") return setFound(NONE);
    let current = true;
    const timer = setTimeout(() => {
      moderation.findPublic(wanted).then(
        ({ items }) => current && setFound(items),
        () => current && setFound(NONE),
      );
    }, TYPING_PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [moderation, wanted, reconnects]);
  return useMemo(() => found.filter(({ id }) => own(mine, id) === undefined), [found, mine]);
}
