import type { User } from "@talkwire/client";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { withoutAt } from "../../chat/conversations/name_search";
import { foundNothing, isSearchable, NO_QUERY } from "../../chat/search/search";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { nameOf } from "../components/conversation_names";
import { PlaceAvatar } from "../components/kind_icon";
import { moveAmong } from "../keyboard/move_among";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { useReconnects } from "../page/use_reconnects";
import { PersonHandle } from "../people/person_handle";
import { MessageResults } from "./message_results";
import { OfferResults, useOfferSearch } from "./offer_results";
import { usePublic } from "./use_public";
import { useSearch } from "./use_search";
import "./search.css";

const TYPING_PAUSE_MS = 250;

interface Props {
  text: string;
  /** The conversations with matching names. */
  children: ReactNode;
  /** What stands there when nothing else is found either. */
  none: ReactNode;
}

/** Search results besides conversations: people, offers and messages. */
export default function GlobalResults({ text, children, none }: Props) {
  const chat = useChat();
  const people = usePeople(text);
  const open = usePublic(text);
  const query = useMemo(() => ({ ...NO_QUERY, text }), [text]);
  useSearch(chat.finder, query);
  const hasQuery = useStore(chat.finder.state, ({ query: asked }) => isSearchable(asked));
  const hasNoMessages = useStore(chat.finder.state, (result) => !isSearchable(result.query) || foundNothing(result));
  const hasNoOffers = useOfferSearch(chat.offerFinder, query);
  const meet = async ({ id }: User): Promise<void> => {
    try {
      goTo(await chat.people.openDirect(id));
    } catch (error) {
      chat.showNotice((error as Error).message);
    }
  };
  if (none && people?.length === 0 && open.length === 0 && hasNoMessages && hasNoOffers)
    return <div className="found-elsewhere">{none}</div>;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among the results
    <div className="found-elsewhere" onKeyDown={(event) => moveAmong(event, ".conversations a, .entry, .find")}>
      {children}
      {open.length > 0 && (
        <section aria-label={texts.foundPublic}>
          <h2>{texts.foundPublic}</h2>
          <ul>
            {open.map((conversation) => (
              <li key={conversation.id}>
                {/* Its page offers to join. */}
                <button type="button" className="entry" onClick={() => goTo(conversation.id)}>
                  <PlaceAvatar conversation={conversation} />
                  <span dir="auto">{nameOf(conversation)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {people !== undefined && people.length > 0 && (
        <section aria-label={texts.foundPeople}>
          <h2>{texts.foundPeople}</h2>
          <ul>
            {people.map((user) => (
              <li key={user.id}>
                <button type="button" className="entry" onClick={() => void meet(user)}>
                  <Avatar id={user.id} name={user.name} picture={user.avatar} />
                  <span className="cut-line">
                    <bdi>{user.name}</bdi> <PersonHandle user={user} others={people} />
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <OfferResults search={chat.offerFinder} />
      <section aria-label={texts.foundMessages}>
        {hasQuery && <h2>{texts.foundMessages}</h2>}
        <MessageResults search={chat.finder} />
      </section>
    </div>
  );
}

/** Returns people whose names match: undefined before the first answer, and none when the server does not answer. */
function usePeople(text: string): readonly User[] | undefined {
  const { conversations } = useChat();
  const [people, setPeople] = useState<readonly User[]>();
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      conversations.findUsers(withoutAt(text)).then(
        (users) => current && setPeople(users),
        () => current && setPeople([]),
      );
    }, TYPING_PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [conversations, text, reconnects]);
  return people;
}
