import type { Conversation, RequestError, Restriction } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

/** No event says that another moderator lifts a restriction: a list in sight is loaded again this often. */
const AGAIN_MS = 5_000;

export type Mutes = ReadonlyMap<string, Restriction>;

/** Returns the muted or banned users, for members who may see them, and a function that reloads them. */
export function useRestrictions(
  conversation: Conversation,
  kind: Restriction["kind"],
): readonly [readonly Restriction[], () => void] {
  const { moderation } = useChat();
  const me = useChatState((state) => state.me);
  const [restricted, setRestricted] = useState<readonly Restriction[]>([]);
  const [asked, setAsked] = useState(0);
  const { id } = conversation;
  const manages = may(conversation.kind, roleOf(conversation, me), "manage");
  // A ban removes a member, so another number of members means another list.
  const { memberCount } = conversation;
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: also on request, when a member is gone, and after a disconnection
  useEffect(() => {
    if (!manages) return setRestricted([]);
    let current = true;
    moderation.restricted(id, kind).then(
      (found) => current && setRestricted(found),
      // The reader may not see them any more, or the next answer says it.
      (error: RequestError) => current && !error.isTransient && setRestricted([]),
    );
    return () => {
      current = false;
    };
  }, [moderation, id, kind, manages, memberCount, asked, reconnects]);
  const reload = useCallback(() => setAsked((times) => times + 1), []);
  const isShown = restricted.length > 0;
  useEffect(() => {
    if (!isShown) return;
    const timer = setInterval(() => document.hidden || reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [isShown, reload]);
  return [restricted, reload];
}

export function useMutes(conversation: Conversation): readonly [Mutes, () => void] {
  const [muted, reload] = useRestrictions(conversation, "mute");
  return [useMemo(() => new Map(muted.map((each) => [each.userId, each])), [muted]), reload];
}
