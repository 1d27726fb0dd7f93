import type { Person } from "@talkwire/client";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { handleOf, hasNamesake } from "../../chat/people/namesakes";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { ChipField } from "../components/chip_field";
import { byTouch, isComposing } from "../keyboard/focus";
import { AvatarWithPresence } from "./avatar_with_presence";
import { PersonHandle } from "./person_handle";
import { usePeople } from "./use_people";
import "./people_finder.css";
import "../components/round_tick.css";

const SHOWN_MAX = 50;

interface Props {
  chosen: readonly Person[];
  onChange: (chosen: readonly Person[]) => void;
  /** Ids of users who are not offered. */
  without?: readonly string[];
  /** Whether people are listed before the reader goes to the field. */
  isOpenAtFirst?: boolean;
}

const NOBODY: readonly string[] = [];

/**
 * Finds people by any word of their names, and lists the chosen ones. People whom the reader knows are offered at once.
 */
export function PeopleFinder({ chosen, onChange, without = NOBODY, isOpenAtFirst = false }: Props) {
  const [query, setQuery] = useState("");
  // The list stays open when the focus leaves, because the next button would move otherwise.
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  /** The item that the arrow keys have chosen; -1 for none. */
  const [at, setAt] = useState(-1);
  const { people, isComplete, problem } = usePeople(query.trim(), SHOWN_MAX);
  const list = useId();
  const fieldId = useId();
  const field = useRef<HTMLInputElement>(null);
  const offered = people.filter(({ id }) => !without.includes(id)).slice(0, SHOWN_MAX);
  const shown = [...chosen, ...offered];
  const handleInChip = (person: Person): string | undefined =>
    hasNamesake(person, shown) ? handleOf(person, shown) : undefined;
  const isChosen = ({ id }: Person): boolean => chosen.some((each) => each.id === id);
  // Enter takes the first person who was found, but nobody before the reader has typed.
  const index = Math.min(query === "" ? at : Math.max(at, 0), offered.length - 1);
  const active = isOpen ? offered[index] : undefined;

  // Escape closes an untouched dialog at once.
  const hasBegun = query !== "" || chosen.length > 0;

  const activeId = active && `${list}-${active.id}`;
  // The arrow keys may choose an item that is out of sight.
  useEffect(() => {
    if (activeId !== undefined && at > 0) document.getElementById(activeId)?.scrollIntoView({ block: "nearest" });
  }, [activeId, at]);

  /** Above the keyboard of a phone, the form is larger than its dialog, and grows with each person. */
  const bringIntoSight = (): void => {
    document.getElementById(list)?.scrollIntoView({ block: "nearest" });
    field.current?.scrollIntoView({ block: "nearest" });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when there is more to see
  useEffect(() => {
    if (document.activeElement === field.current) bringIntoSight();
  }, [isOpen, offered.length, chosen.length]);

  const choose = (user: Person | undefined): void => {
    if (user === undefined) return;
    if (!isChosen(user)) onChange([...chosen, user]);
    setQuery("");
    setAt(-1);
    if (!byTouch) field.current?.focus();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (isComposing(event.nativeEvent)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && !isOpen) setOpen(true);
    else if (step !== undefined && offered.length > 0)
      setAt(index + step < 0 ? offered.length - 1 : (index + step) % offered.length);
    // Where nobody is chosen, Enter submits the form.
    else if (event.key === "Enter" && (query !== "" || active !== undefined)) choose(active);
    else if (event.key === "Escape" && isOpen && offered.length > 0 && hasBegun) setOpen(false);
    else return;
    event.preventDefault();
  };
  return (
    <div className="people-finder">
      <div className="chip-label">
        <label htmlFor={fieldId}>{texts.find}</label>
        <ChipField
          chosen={chosen}
          onChange={onChange}
          face={({ id, name, avatar }) => <Avatar id={id} name={name} picture={avatar} />}
          handle={handleInChip}
        >
          <input
            id={fieldId}
            ref={field}
            type="search"
            value={query}
            placeholder={chosen.length === 0 ? texts.findHint : ""}
            autoComplete="off"
            role="combobox"
            aria-expanded={isOpen && offered.length > 0}
            aria-controls={list}
            aria-activedescendant={activeId}
            onKeyDown={pressed}
            onFocus={() => {
              setOpen(true);
              bringIntoSight();
            }}
            onClick={() => setOpen(true)}
            onChange={(event) => {
              setQuery(event.target.value);
              setOpen(true);
              setAt(-1);
            }}
          />
        </ChipField>
      </div>
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
              aria-checked={isChosen(user)}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => (isChosen(user) ? onChange(chosen.filter(({ id }) => id !== user.id)) : choose(user))}
            >
              <AvatarWithPresence userId={user.id} name={user.name} picture={user.avatar} />
              <span className="found-name" dir="auto">
                {user.name}
              </span>
              <PersonHandle user={user} others={offered} />
              <span className="round-tick" />
            </div>
          ))}
        </div>
      )}
      {isOpen && query !== "" && isComplete && offered.length === 0 && <p className="note">{texts.nobodyFound}</p>}
      {isOpen && people.length >= SHOWN_MAX && <p className="note">{texts.people.more}</p>}
      <p className="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}
