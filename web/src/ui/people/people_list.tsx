import { Search, SearchX } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { isComposing } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { AvatarWithPresence, usePresence } from "./avatar_with_presence";
import { LastSeen } from "./last_seen";
import { PersonHandle } from "./person_handle";
import { type KnownPerson, usePeople } from "./use_people";
import "./people_list.css";

/** As many as the server returns at once. */
const SHOWN = 100;

interface Props {
  onOpen: (conversationId: string) => void;
  /** What is above the people until the reader types. */
  children?: ReactNode;
}

/** The people whom the reader may find, with their presence. Choosing one opens the conversation with them. */
export function PeopleList({ onOpen, children }: Props) {
  const { people: others } = useChat();
  const myId = useChatState((state) => state.me.id);
  const [query, setQuery] = useState("");
  /** The person that the arrow keys or the pointer have chosen; -1 for none. */
  const [at, setAt] = useState(-1);
  const [refusal, setRefusal] = useState("");
  const { people, isComplete, problem } = usePeople(query.trim(), SHOWN);
  const list = useId();
  const shown = people.filter(({ id }) => id !== myId).slice(0, SHOWN);
  // Enter takes the first person who was found, but nobody before the reader has typed.
  const index = Math.min(query === "" ? at : Math.max(at, 0), shown.length - 1);
  const activeId = shown[index] && `${list}-${shown[index].id}`;
  useEffect(() => {
    if (activeId !== undefined) document.getElementById(activeId)?.scrollIntoView({ block: "nearest" });
  }, [activeId]);

  const open = (user: KnownPerson | undefined): void => {
    if (user === undefined) return;
    setRefusal("");
    others.openDirect(user.id).then(onOpen, (error: Error) => setRefusal(error.message));
  };
  const pressed = (event: KeyboardEvent): void => {
    if (isComposing(event.nativeEvent)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && shown.length > 0)
      setAt(index + step < 0 ? shown.length - 1 : (index + step) % shown.length);
    else if (event.key === "Enter") open(shown[index]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <label className="directory-field">
        <Search className="icon" aria-hidden="true" />
        <input
          type="search"
          value={query}
          placeholder={texts.find}
          aria-label={texts.people.find}
          autoComplete="off"
          role="combobox"
          aria-expanded={shown.length > 0}
          aria-controls={list}
          aria-activedescendant={activeId}
          onKeyDown={pressed}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(-1);
          }}
        />
      </label>
      {query === "" && children}
      <div id={list} className="directory" role="listbox" aria-label={texts.foundPeople}>
        {shown.map((user, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field
          <div
            key={user.id}
            id={`${list}-${user.id}`}
            role="option"
            aria-selected={place === index}
            onMouseDown={(event) => event.preventDefault()}
            onPointerMove={() => setAt(place)}
            onClick={() => open(user)}
          >
            <Entry user={user} others={shown} />
          </div>
        ))}
      </div>
      {isComplete && shown.length === 0 && <EmptyState icon={SearchX} title={texts.nobodyFound} />}
      {shown.length === SHOWN && <p className="note">{texts.people.more}</p>}
      <p className="problem" role="alert">
        {refusal || problem}
      </p>
    </>
  );
}

function Entry({ user, others }: { user: KnownPerson; others: readonly KnownPerson[] }) {
  const { status = "offline", lastSeenAt, text } = usePresence(user.id) ?? {};
  // The dot of who is online says it.
  const seenAt = status === "offline" ? lastSeenAt : undefined;
  return (
    <>
      <AvatarWithPresence userId={user.id} name={user.name} picture={user.avatar} />
      <span className="directory-who cut-line">
        <bdi className="name">{user.name}</bdi> <PersonHandle user={user} others={others} />
      </span>
      <span className="directory-presence cut-line">
        {seenAt && <LastSeen at={seenAt} />}
        {text && seenAt && " · "}
        {text && <bdi>{text}</bdi>}
      </span>
    </>
  );
}
