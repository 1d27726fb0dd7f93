import { newestFirst } from "@talkwire/client/parts";
import { type LucideIcon, Search } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, useId, useMemo, useState } from "react";
import { searchByName, withoutAt } from "../../chat/conversations/name_search";
import { unreadOf } from "../../chat/conversations/unread";
import { handleOf } from "../../chat/people/namesakes";
import { piecesOfName } from "../../chat/search/highlight";
import { isSearchable, NO_QUERY } from "../../chat/search/search";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { faceOf, nameOf, partnerOf, soughtIn } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { signOf } from "../components/kind_icon";
import { UnreadCount, weightOf } from "../components/unread_count";
import { focusComposer } from "../keyboard/focus";
import { Keys } from "../keyboard/keys";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import { Handle } from "../people/person_handle";
import { usePeople } from "../people/use_people";
import { Marked } from "../search/message_results";
import { searchEverywhere } from "../search/search_everywhere";
import { usePublic } from "../search/use_public";
import "./quick_switcher.css";

const SHOWN = 8;
/** As many public conversations and people are shown, however many conversations of the reader match. */
const OTHERS_MIN = 3;
/** The id of the entry that searches messages. */
const SEARCH = "search";

interface Choice {
  readonly id: string;
  readonly name: string;
  /** Of the person. */
  readonly handle?: string | undefined;
  /** The id for the avatar's colour: that of the person, or of the place. */
  readonly face: string;
  readonly picture: string | undefined;
  /** Whether it is a group or a channel. */
  readonly isPlace: boolean;
  readonly sign?: LucideIcon | null;
  readonly detail: string;
  /** How many messages are unread and mention the reader, and how much that stands out. */
  readonly unread?: ComponentProps<typeof UnreadCount>;
  /** Returns the conversation's id. */
  readonly open: () => Promise<string>;
}

/** Opens a conversation by a part of its name, or one with a person. The last entry searches messages for what is typed. */
export default function QuickSwitcher({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [problem, setProblem] = useState("");
  const chat = useChat();
  const { choices, isComplete } = useChoices(query);
  const list = useId();
  const words = query.trim();
  const canSearch = isSearchable({ ...NO_QUERY, text: words });
  const count = choices.length + (canSearch ? 1 : 0);
  const index = Math.min(at, count - 1);
  const chosen = choices[index];
  // Enter does not search before it is known that nobody has this name.
  const isSearch = canSearch && chosen === undefined && (choices.length > 0 || isComplete);
  const chosenId = isSearch ? SEARCH : chosen?.id;

  const search = (): void => {
    onClose();
    // The closed dialog gives the focus back first.
    requestAnimationFrame(() => searchEverywhere(chat, words));
  };

  const go = async (choice: Choice | undefined): Promise<void> => {
    if (choice === undefined) return;
    try {
      const id = await choice.open();
      onClose();
      goTo(id);
      // When it was already open, nothing else moves the focus there.
      requestAnimationFrame(() => focusComposer());
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && count > 0) setAt((index + step + count) % count);
    else if (event.key !== "Enter") return;
    else if (isSearch) search();
    else void go(chosen);
    event.preventDefault();
  };

  return (
    <Dialog title={texts.quickSwitch} onClose={onClose} className="switcher" hasTitle={false}>
      <label className="switcher-field">
        <Search className="icon" aria-hidden="true" />
        <input
          value={query}
          placeholder={texts.quickSwitchHint}
          aria-label={texts.quickSwitchHint}
          autoComplete="off"
          role="combobox"
          aria-expanded={count > 0}
          aria-controls={list}
          aria-activedescendant={chosenId && `${list}-${chosenId}`}
          onKeyDown={pressed}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
        />
      </label>
      <div id={list} role="listbox" aria-label={texts.quickSwitch}>
        {choices.map((choice, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
          <div
            key={choice.id}
            id={`${list}-${choice.id}`}
            role="option"
            aria-selected={choice === chosen}
            tabIndex={-1}
            onPointerMove={() => setAt(place)}
            onClick={() => void go(choice)}
          >
            <Face choice={choice} />
            <span className="name" dir="auto">
              <Marked pieces={piecesOfName(choice.name, withoutAt(query))} />
            </span>
            <Handle handle={choice.handle} />
            <span className="detail">{choice.detail}</span>
            {choice.unread !== undefined && <UnreadCount {...choice.unread} />}
          </div>
        ))}
        {canSearch && (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
          <div
            id={`${list}-${SEARCH}`}
            className="switcher-search"
            role="option"
            aria-selected={isSearch}
            tabIndex={-1}
            onPointerMove={() => setAt(choices.length)}
            onClick={search}
          >
            <Search className="icon" aria-hidden="true" />
            <span className="name" dir="auto">
              {texts.searchMessagesFor(words)}
            </span>
          </div>
        )}
      </div>
      <div className="switcher-notes">
        {count === 0 && <p className="note">{texts.nothingFound}</p>}
        <p className="problem" role="alert">
          {problem}
        </p>
      </div>
      <footer className="switcher-keys">
        <span>
          <Keys keys="ArrowUp" />
          <Keys keys="ArrowDown" /> {texts.quickSwitchKeys.choose}
        </span>
        <span>
          <Keys keys="Enter" /> {texts.quickSwitchKeys.open}
        </span>
        <button type="button" onClick={onClose}>
          <Keys keys="Escape" /> {texts.quickSwitchKeys.close}
        </button>
      </footer>
    </Dialog>
  );
}

function Face({ choice: { face, name, picture, isPlace, sign } }: { choice: Choice }) {
  if (isPlace) return <Avatar id={face} name={name} picture={picture} isPlace sign={sign} />;
  return <AvatarWithPresence userId={face} name={name} picture={picture} />;
}

/** Returns the reader's conversations, newest first; then public ones to join, and people without a conversation. */
function useChoices(query: string): { choices: readonly Choice[]; isComplete: boolean } {
  const { conversations: list } = useChat();
  const conversations = useChatState((state) => state.conversations);
  const openId = useChatState((state) => state.openId);
  const me = useChatState((state) => state.me);
  const features = useChatState((state) => state.features);
  const wanted = query.trim();
  const { people, isComplete } = usePeople(wanted);
  const open = usePublic(query);
  const choices = useMemo(() => {
    const places = searchByName(newestFirst(conversations), (each) => soughtIn(each, me), query).map((conversation) => {
      const partner = partnerOf(conversation, me);
      return {
        id: conversation.id,
        name: nameOf(conversation),
        handle: partner && handleOf({ ...partner, id: partner.userId }, people),
        face: faceOf(conversation, me),
        picture: conversation.avatar,
        isPlace: conversation.kind !== "direct",
        sign: signOf(conversation),
        detail: texts.kinds[conversation.kind],
        unread: {
          count: unreadOf(conversation, features),
          weight: weightOf(conversation),
          mentions: conversation.mentionCount,
        },
        open: async () => conversation.id,
      };
    });
    // Where nothing is typed, the other conversations are enough.
    if (wanted === "") return places.filter(({ id }) => id !== openId).slice(0, SHOWN);
    const known = new Set(Object.values(conversations).map((conversation) => partnerOf(conversation, me)?.userId));
    // The page of a public conversation offers to join.
    const joinable = open.map((conversation) => ({
      id: conversation.id,
      name: nameOf(conversation),
      face: conversation.id,
      picture: conversation.avatar,
      isPlace: true,
      sign: signOf(conversation),
      detail: texts.places.publicKinds[conversation.kind === "channel" ? "channel" : "group"],
      open: async () => conversation.id,
    }));
    const strangers = people
      .filter(({ id }) => !known.has(id))
      .map((user) => ({
        id: `user ${user.id}`,
        name: user.name,
        handle: handleOf(user, people),
        face: user.id,
        picture: user.avatar,
        isPlace: false,
        detail: texts.newConversation,
        open: () => list.create({ kind: "direct", memberIds: [user.id] }),
      }));
    const others = [...joinable, ...strangers];
    return [...places.slice(0, SHOWN - Math.min(others.length, OTHERS_MIN)), ...others].slice(0, SHOWN);
  }, [conversations, openId, list, me, features, people, open, query, wanted]);
  return { choices, isComplete };
}
