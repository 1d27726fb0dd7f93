import { type KeyboardEvent, useEffect, useId, useMemo, useState } from "react";
import type { ConversationsById } from "../../chat/conversations/conversations_by_id";
import { searchByName } from "../../chat/conversations/name_search";
import type { Person, User } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { isComposing } from "../keyboard/focus";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import "./people_finder.css";

const TYPING_PAUSE_MS = 200;
const SHOWN = 10;

interface Props {
  chosen: readonly Person[];
  onChange: (chosen: readonly Person[]) => void;
  /** Ids of users who are not offered. */
  without?: readonly string[];
}

const NOBODY: readonly string[] = [];
const NONE: readonly User[] = [];

/**
 * Finds people by any word of their names, and lists the chosen ones. People whom the reader knows are offered at once.
 */
export function PeopleFinder({ chosen, onChange, without = NOBODY }: Props) {
  const [query, setQuery] = useState("");
  // The list stays open when the focus leaves, because the next button would move otherwise.
  const [isAsked, setAsked] = useState(false);
  const [at, setAt] = useState(0);
  const { people, isComplete, problem } = usePeople(query.trim());
  const list = useId();
  const offered = people
    .filter(({ id }) => !without.includes(id) && !chosen.some((each) => each.id === id))
    .slice(0, SHOWN);
  const isOpen = isAsked || query !== "";
  const index = Math.min(at, offered.length - 1);
  const active = isOpen ? offered[index] : undefined;

  const activeId = active && `${list}-${active.id}`;
  // The arrow keys may choose an item that is out of sight.
  useEffect(() => {
    if (activeId !== undefined && at > 0) document.getElementById(activeId)?.scrollIntoView({ block: "nearest" });
  }, [activeId, at]);

  const choose = (user: Person | undefined): void => {
    if (user === undefined) return;
    onChange([...chosen, user]);
    setQuery("");
    setAt(0);
    setAsked(false);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (isComposing(event.nativeEvent)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && !isOpen) setAsked(true);
    else if (step !== undefined && offered.length > 0) setAt((index + step + offered.length) % offered.length);
    // Without a query, Enter submits the form.
    else if (event.key === "Enter" && (query !== "" || at > 0)) choose(active);
    else return;
    event.preventDefault();
  };
  return (
    <div className="people-finder">
      {chosen.length > 0 && <Chosen people={chosen} onChange={onChange} />}
      <label>
        {texts.find}
        <input
          value={query}
          placeholder={texts.findHint}
          autoComplete="off"
          role="combobox"
          aria-expanded={isOpen && offered.length > 0}
          aria-controls={list}
          aria-activedescendant={activeId}
          onKeyDown={pressed}
          onFocus={() => setAsked(true)}
          onClick={() => setAsked(true)}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
        />
      </label>
      {isOpen && (
        <div id={list} className="found" role="listbox" aria-label={texts.foundPeople}>
          {offered.map((user) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field
            <div
              key={user.id}
              id={`${list}-${user.id}`}
              role="option"
              aria-selected={user === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(user)}
            >
              <AvatarWithPresence userId={user.id} name={user.name} picture={user.avatar} />
              <span className="found-name" dir="auto">
                {user.name}
              </span>
              {isAmbiguous(user, offered) && <span className="found-id">@{user.id}</span>}
            </div>
          ))}
        </div>
      )}
      {isOpen && query !== "" && isComplete && offered.length === 0 && <p className="note">{texts.nobodyFound}</p>}
      <p className="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}

const isAmbiguous = (user: Person, others: readonly Person[]): boolean =>
  others.some((each) => each.id !== user.id && each.name.toLowerCase() === user.name.toLowerCase());

interface Found {
  readonly people: readonly Person[];
  /** Whether the server has answered. */
  readonly isComplete: boolean;
  readonly problem: string;
}

/**
 * Returns people who share a conversation with the reader, by any word of their names; then others that the server
 * finds.
 */
function usePeople(wanted: string): Found {
  const { conversations: list } = useChat();
  const conversations = useChatState((state) => state.conversations);
  const myId = useChatState((state) => state.me.id);
  const [answer, setAnswer] = useState({ wanted: "", users: NONE, problem: "" });
  useEffect(() => {
    let current = true;
    const timer = setTimeout(
      () =>
        list.findUsers(wanted).then(
          (users) => current && setAnswer({ wanted, users, problem: "" }),
          (error: Error) => current && setAnswer({ wanted, users: NONE, problem: error.message }),
        ),
      wanted === "" ? 0 : TYPING_PAUSE_MS,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [list, wanted]);
  const known = useMemo(() => knownPeople(conversations, myId), [conversations, myId]);
  const isComplete = answer.wanted === wanted;
  const people = useMemo(() => {
    const near = wanted === "" ? known : searchByName(known, ({ name }) => name, wanted);
    const ids = new Set(near.map(({ id }) => id));
    return [...near, ...(isComplete ? answer.users : NONE).filter(({ id }) => !ids.has(id))];
  }, [known, wanted, answer, isComplete]);
  return { people, isComplete, problem: isComplete ? answer.problem : "" };
}

/** Returns them sorted by name. */
function knownPeople(conversations: ConversationsById, myId: string): Person[] {
  const people = new Map<string, Person>();
  for (const { members = [] } of Object.values(conversations))
    for (const { userId, name, avatar } of members)
      if (userId !== myId)
        people.set(userId, avatar === undefined ? { id: userId, name } : { id: userId, name, avatar });
  return [...people.values()].sort((one, other) => one.name.localeCompare(other.name));
}

function Chosen({ people, onChange }: { people: readonly Person[]; onChange: (people: readonly Person[]) => void }) {
  return (
    <ul className="chosen">
      {people.map((user) => (
        <li key={user.id}>
          {user.name}
          <button
            type="button"
            className="quiet"
            aria-label={texts.remove(user.name)}
            onClick={() => onChange(people.filter((each) => each !== user))}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
