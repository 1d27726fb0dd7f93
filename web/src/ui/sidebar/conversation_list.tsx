import { type KeyboardEvent, lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { filterConversations } from "../../chat/conversations/conversation_filter";
import { newestFirst } from "../../chat/conversations/conversations_by_id";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { nameOf } from "../conversation/conversation_names";
import { ConversationItem } from "./conversation_item";
import { EmptyList } from "./empty_list";
import { FilterField } from "./filter_field";
import type { SidebarDialog } from "./sidebar_dialogs";
import "./conversation_list.css";

/** Pixels from the end of the list at which the next page is loaded. */
const NEAR_END = 600;
/** At most this many conversations are shown for a query; a longer query finds fewer. */
const FOUND_MAX = 20;

const GlobalResults = lazy(() => import("../search/global_results"));

/** The reader's conversations. Only those in sight are in the document. */
export function ConversationList({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const conversations = useChatState((state) => state.conversations);
  const loaded = useChatState((state) => state.loaded);
  const openId = useChatState((state) => state.openId);
  const [query, setQuery] = useState("");
  const [unreadOnly, setUnreadOnly] = useState(false);
  const ordered = useMemo(() => newestFirst(conversations), [conversations]);
  const shown = useMemo(
    () => filterConversations(ordered, nameOf, { query, unreadOnly }, openId),
    [ordered, query, unreadOnly, openId],
  );
  if (ordered.length === 0) return loaded ? <EmptyList onOpen={onOpen} /> : <div className="conversations" />;
  return (
    <>
      <FilterField
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
          <GlobalResults text={query} onDone={() => setQuery("")}>
            <Items shown={shown.slice(0, FOUND_MAX)} />
          </GlobalResults>
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
    // A failed load is repeated when the end comes into sight.
    if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END)
      void list.loadMore().catch(() => undefined);
  }, [list, hasMore]);
  // A short list does not fill its space and cannot be scrolled.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs again when there are more conversations
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

/** Up and Down move between the conversations; Tab does the same, including their menus. */
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
