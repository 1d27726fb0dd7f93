import { type KeyboardEvent, lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { listed } from "../../chat/conversations/listed";
import { inOrder } from "../../chat/conversations/unread";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../context";
import { ConversationFilter } from "./conversation_filter";
import { ConversationItem } from "./conversation_item";
import { nameOf } from "./names";
import { NothingYet } from "./nothing_yet";
import type { SidebarDialog } from "./sidebar_dialogs";
import "./conversation_list.css";

/** Pixels from the end of the list at which more are loaded. */
const NEAR_END = 600;
/** Of those with the name that is looked for; a longer one finds fewer. */
const FOUND_MAX = 20;

const FoundElsewhere = lazy(() => import("../search/found_elsewhere"));

/** The reader's conversations, of which only those in sight are in the document. */
export function ConversationList({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const conversations = useChatState((state) => state.conversations);
  const loaded = useChatState((state) => state.loaded);
  const openId = useChatState((state) => state.openId);
  const [query, setQuery] = useState("");
  const [unreadOnly, setUnreadOnly] = useState(false);
  const ordered = useMemo(() => inOrder(conversations), [conversations]);
  const shown = useMemo(
    () => listed(ordered, nameOf, { query, unreadOnly }, openId),
    [ordered, query, unreadOnly, openId],
  );
  if (ordered.length === 0) return loaded ? <NothingYet onOpen={onOpen} /> : <div className="conversations" />;
  return (
    <>
      <ConversationFilter
        query={query}
        unreadOnly={unreadOnly}
        firstId={shown[0]?.id}
        onQuery={setQuery}
        onUnreadOnly={setUnreadOnly}
      />
      {query.trim() === "" ? (
        <Items shown={shown} />
      ) : (
        <Suspense fallback={<Items shown={shown} />}>
          <FoundElsewhere text={query} onDone={() => setQuery("")}>
            <Items shown={shown.slice(0, FOUND_MAX)} />
          </FoundElsewhere>
        </Suspense>
      )}
    </>
  );
}

function Items({ shown }: { shown: readonly Conversation[] }) {
  const { conversations: list } = useChat();
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const scroller = useRef<HTMLElement>(null);
  const rows = useRef<VirtualizerHandle>(null);

  const loadAtEnd = useCallback(() => {
    const element = scroller.current;
    if (element === null || !hasMore) return;
    // What fails is asked for again when the end comes into sight.
    if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END)
      void list.loadMore().catch(() => undefined);
  }, [list, hasMore]);
  // A short list does not fill its place, and nobody can scroll.
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at again when there are more
  useEffect(loadAtEnd, [loadAtEnd, shown.length]);

  return (
    <nav className="conversations" aria-label={texts.conversations} ref={scroller} onKeyDown={moveFocus}>
      {shown.length === 0 && <p className="note">{texts.places.noneShown}</p>}
      <Virtualizer ref={rows} scrollRef={scroller} as="ul" item="li" onScroll={loadAtEnd}>
        {shown.map((conversation) => (
          <ConversationItem key={conversation.id} conversation={conversation} />
        ))}
      </Virtualizer>
    </nav>
  );
}

/** Up and down among the conversations; Tab does the same, one by one with their menus. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const item = (event.target as Element).closest("li");
  if (step === undefined || item === null || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = step === 1 ? item.nextElementSibling : item.previousElementSibling;
  const link = next?.querySelector("a");
  if (link === null || link === undefined) return;
  event.preventDefault();
  link.focus();
}
