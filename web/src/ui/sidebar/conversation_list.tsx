import type { Conversation } from "@talkwire/client";
import { newestFirst } from "@talkwire/client/parts";
import { Archive, ArrowLeft, CheckCheck, SearchX } from "lucide-react";
import {
  type ComponentProps,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useStore } from "zustand";
import { withMissedCall } from "../../chat/alerts/alerts";
import { filterConversations, isUsed } from "../../chat/conversations/conversation_filter";
import { type Section, sectionsOf } from "../../chat/conversations/list_sections";
import { hasUnread, unreadInSection } from "../../chat/conversations/unread";
import { withUnsent } from "../../chat/conversations/unsent_messages";
import { texts } from "../../texts";
import { soughtIn } from "../components/conversation_names";
import { EmptyState } from "../components/empty_state";
import { UnreadCount } from "../components/unread_count";
import { stepOf } from "../keyboard/direction";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { placeHere } from "../page/page_address";
import { useBackCloses } from "../page/use_back_closes";
import { isNarrow } from "../page/use_media";
import { useCollapsedSections } from "./collapsed_sections";
import { ConversationItem } from "./conversation_item";
import { EmptyList } from "./empty_list";
import { FilterField } from "./filter_field";
import { SectionHeading } from "./section_heading";
import type { SidebarDialog } from "./sidebar_dialogs";
import { useGlidingRows } from "./use_gliding_rows";
import "./conversation_list.css";

/** Pixels from the end of the list at which the next page is loaded. */
const NEAR_END = 600;
/** At most this many conversations are shown for a query; a longer query finds fewer. */
const FOUND_MAX = 20;

const GlobalResults = lazyPart(() => import("../search/global_results"), "place");

interface Props {
  onOpen: (dialog: SidebarDialog) => void;
  /** What is between the search field and the conversations, unless something is searched. */
  children: ReactNode;
}

/** The reader's conversations. Only those in sight are in the document. */
export function ConversationList({ onOpen, children }: Props) {
  const conversations = useChatState((state) => state.conversations);
  const loaded = useChatState((state) => state.loaded);
  const me = useChatState((state) => state.me);
  const openId = useChatState((state) => state.openId);
  const query = useChatState((state) => state.listQuery);
  const [unreadOnly, setUnreadOnly] = useState(false);
  const [showsArchive, setShowsArchive] = useState(false);
  const chat = useChat();
  const outbox = useStore(chat.messages.outbox);
  const calledId = useStore(chat.calls.state, (state) => (state.phase === "idle" ? null : state.call.conversationId));
  const notifications = useStore(chat.alerts.state, ({ items }) => items);
  const missed = useMemo(() => withMissedCall(notifications), [notifications]);
  const newest = useMemo(() => newestFirst(conversations), [conversations]);
  const ordered = useMemo(() => {
    const isBegun = (id: string): boolean =>
      id === openId ||
      id === calledId ||
      chat.drafts.peek(id) !== "" ||
      outbox.some(({ conversationId }) => conversationId === id);
    return withUnsent(newest, outbox).filter((each) => isUsed(each) || isBegun(each.id));
  }, [chat, newest, outbox, openId, calledId]);
  const shown = useMemo(
    () => filterConversations(ordered, (each) => soughtIn(each, me), { query, unreadOnly, missed }, openId),
    [ordered, me, query, unreadOnly, missed, openId],
  );
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const isSearching = query.trim() !== "";
  const isAllRead = unreadOnly && shown.length === 0 && !hasMore;
  const isAlone = useIsAlone();
  const isArchiveOver = !hasMore && !ordered.some(({ archived }) => archived);
  // Otherwise the next conversation that is archived would open the archive again.
  useEffect(() => {
    if (isArchiveOver) setShowsArchive(false);
  }, [isArchiveOver]);
  // What is found opens at its own address. A message leaves the results for the next one; where the list fills the
  // screen, Back leads to them.
  useEffect(() => {
    const clear = (): void => {
      if (!isNarrow() && placeHere().messageId === undefined) chat.searchList("");
    };
    addEventListener("hashchange", clear);
    return () => removeEventListener("hashchange", clear);
  }, [chat]);
  useBackCloses(isAlone && unreadOnly, () => setUnreadOnly(false), { isOfPage: true });
  useBackCloses(isAlone && query !== "", () => chat.searchList(""), { isOfPage: true });
  const isEmpty = ordered.length === 0;
  return (
    <>
      <FilterField
        query={query}
        unreadOnly={unreadOnly}
        isEmpty={isEmpty && !unreadOnly}
        firstId={shown[0]?.id}
        onQuery={(text) => chat.searchList(text)}
        onUnreadOnly={setUnreadOnly}
      />
      {!isSearching && children}
      {unreadOnly && <ReadAllButton />}
      {isSearching && (
        <GlobalResults
          fallback={<Items shown={shown} />}
          text={query}
          none={shown.length === 0 && <NothingFound query={query} onOpen={onOpen} />}
        >
          {shown.length > 0 && <Items shown={shown.slice(0, FOUND_MAX)} />}
        </GlobalResults>
      )}
      {!isSearching && isEmpty && (loaded ? <EmptyList onOpen={onOpen} /> : <div className="conversations" />)}
      {!isSearching && !isEmpty && isAllRead && <NothingUnread onShowAll={() => setUnreadOnly(false)} />}
      {!isSearching && !isEmpty && !isAllRead && (
        <Sections shown={shown} showsArchive={showsArchive} onArchive={setShowsArchive} />
      )}
    </>
  );
}

function NothingUnread({ onShowAll }: { onShowAll: () => void }) {
  return (
    <EmptyState isSmall icon={CheckCheck} title={texts.places.allRead}>
      <p>{texts.places.allReadHint}</p>
      <div className="buttons">
        <button type="button" onClick={onShowAll}>
          {texts.places.showAll}
        </button>
      </div>
    </EmptyState>
  );
}

interface NothingFoundProps extends Pick<Props, "onOpen"> {
  query: string;
}

function NothingFound({ query, onOpen }: NothingFoundProps) {
  return (
    <EmptyState isSmall icon={SearchX} title={texts.nothingFoundFor(query.trim())}>
      <p>{texts.nothingFoundHint}</p>
      <div className="buttons">
        <button type="button" onClick={() => onOpen({ kind: "people" })}>
          {texts.find}
        </button>
      </div>
    </EmptyState>
  );
}

/** Beside what it marks, so that nobody presses it by mistake. */
function ReadAllButton() {
  const chat = useChat();
  const isUnread = useChatState((state) => hasUnread(state.conversations, state.features));
  const isMissed = useStore(chat.alerts.state, ({ items }) => withMissedCall(items).size > 0);
  if (!isUnread && !isMissed) return null;
  return (
    <button type="button" className="list-action" onClick={() => void chat.markAllRead()}>
      <CheckCheck className="icon" aria-hidden="true" />
      {texts.places.readAll}
    </button>
  );
}

/** Returns whether the list fills the screen, so that Back would leave the page. */
function useIsAlone(): boolean {
  const openId = useChatState((state) => state.openId);
  return isNarrow() && openId === null;
}

interface SectionsProps {
  shown: readonly Conversation[];
  showsArchive: boolean;
  onArchive: (shows: boolean) => void;
}

/** The favourites, the sections and the other conversations, or the archive. The same button leads into the archive and back. */
function Sections({ shown, showsArchive, onArchive }: SectionsProps) {
  const { favourites, sections, others, archived } = useMemo(() => sectionsOf(shown), [shown]);
  const [collapsed, toggle] = useCollapsedSections();
  // The last one may have returned.
  const isInside = showsArchive && archived.length > 0;
  useBackCloses(useIsAlone() && isInside, () => onArchive(false), { isOfPage: true });
  // What was unread when its conversation was archived, and offers, which do not end the archive.
  const unread = useChatState((state) => (isInside ? 0 : unreadInSection(archived, state.features)));
  const Icon = isInside ? ArrowLeft : Archive;
  const rows = useMemo(() => {
    if (favourites.length + sections.length === 0) return others;
    const rows: Entry[] = [];
    const add = (section: Section, key: string, isOwn: boolean): void => {
      if (section.conversations.length === 0) return;
      const isCollapsed = collapsed.has(key);
      rows.push({ section, isOwn, isCollapsed, onToggle: () => toggle(key) });
      // Not spread into the arguments of a call: there may be thousands.
      if (!isCollapsed) for (const conversation of section.conversations) rows.push(conversation);
    };
    add({ name: texts.places.favourites, conversations: favourites }, FAVOURITES, false);
    for (const section of sections) add(section, section.name, true);
    add({ name: texts.conversations, conversations: others }, OTHERS, false);
    return rows;
  }, [favourites, sections, others, collapsed, toggle]);
  return (
    <>
      {archived.length > 0 && (
        <button type="button" className="list-action" aria-pressed={isInside} onClick={() => onArchive(!isInside)}>
          <Icon className="icon" aria-hidden="true" />
          {texts.places.archiveTitle}
          {unread > 0 ? (
            <UnreadCount count={unread} weight="usual" />
          ) : (
            <span className="count muted" title={texts.places.archivedCount(archived.length)}>
              {archived.length}
            </span>
          )}
        </button>
      )}
      {isInside ? <Items key="archive" shown={archived} /> : <Items key="list" shown={rows} />}
    </>
  );
}

/** The keys of what is collapsed beside the reader's own sections, whose keys are their names. */
const [FAVOURITES, OTHERS] = ["\0favourites", "\0others"];

/** A row of the list. */
type Entry = ComponentProps<typeof SectionHeading> | Conversation;

function isConversation(entry: Entry): entry is Conversation {
  return "id" in entry;
}

function entryView(entry: Entry): ReactElement {
  if (isConversation(entry)) return <ConversationItem key={entry.id} conversation={entry} />;
  // A section of the reader may have the name of another one.
  return <SectionHeading key={`${entry.isOwn ? "own" : "every"} ${entry.section.name}`} {...entry} />;
}

function Items({ shown }: { shown: readonly Entry[] }) {
  const { conversations: list } = useChat();
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const scroller = useRef<HTMLElement>(null);
  const rows = useRef<VirtualizerHandle>(null);

  const scrolled = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    element.toggleAttribute("data-scrolled", element.scrollTop > 0);
    if (!hasMore) return;
    // A failed load is repeated when the end comes into sight.
    if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END)
      void list.loadMore().catch(() => undefined);
  }, [list, hasMore]);
  // A short list does not fill its space and cannot be scrolled.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs again when there are more conversations
  useEffect(scrolled, [scrolled, shown.length]);
  useOpenInSight(rows, shown);
  const ids = useMemo(() => shown.map((entry) => (isConversation(entry) ? entry.id : undefined)), [shown]);
  useGlidingRows(scroller, rows, ids);

  return (
    <nav className="conversations" aria-label={texts.conversations} ref={scroller} onKeyDown={moveFocus}>
      <Virtualizer ref={rows} scrollRef={scroller} data={shown} as="ul" item="li" onScroll={scrolled}>
        {entryView}
      </Virtualizer>
    </nav>
  );
}

/** Scrolls to the open conversation once: when it was opened from elsewhere, or is loaded after it was opened. */
function useOpenInSight(rows: RefObject<VirtualizerHandle | null>, all: readonly Entry[]): void {
  const openId = useChatState((state) => state.openId);
  const shownId = useRef<string | null>(null);
  useEffect(() => {
    if (shownId.current === openId) return;
    const index = all.findIndex((entry) => isConversation(entry) && entry.id === openId);
    if (index === -1 && openId !== null) return;
    shownId.current = openId;
    if (index !== -1) rows.current?.scrollToIndex(index, { align: "nearest" });
  }, [rows, all, openId]);
}

/** What Tab reaches in a row, and the button of its menu. */
const LEADING = "a, .section-heading h2 button";
const MENU = "[aria-haspopup=menu]";

/**
 * Up, Down and Tab move between the conversations and the headings of sections. Right moves to the menu of one, and Left
 * back; Shift+F10 opens a conversation's menu at once.
 */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const item = (event.target as Element).closest("li");
  if (item === null || event.altKey || event.ctrlKey || event.metaKey) return;
  const along = stepOf(event.key);
  if (along !== 0) {
    event.preventDefault();
    item.querySelector<HTMLElement>(along === 1 ? MENU : LEADING)?.focus();
  }
  if (step === undefined) return;
  const next = step === 1 ? item.nextElementSibling : item.previousElementSibling;
  const target = next?.querySelector<HTMLElement>(LEADING);
  if (target == null) return;
  event.preventDefault();
  target.focus();
}
