import { useEffect, useState } from "react";
import type { User } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../context";
import { Avatar } from "./avatar";
import "./people_finder.css";

const TYPING_PAUSE_MS = 200;

interface Props {
  chosen: readonly User[];
  onChange: (chosen: readonly User[]) => void;
  /** Ids of those who are not offered. */
  without?: readonly string[];
}

const NOBODY: readonly string[] = [];

/** Finds people by the beginning of their names, and holds those who were chosen. */
export function PeopleFinder({ chosen, onChange, without = NOBODY }: Props) {
  const { conversations } = useChat();
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly User[] | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const wanted = query.trim();
    if (wanted === "") return setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      conversations.findUsers(wanted).then(
        (users) => current && setFound(users),
        (error: Error) => current && setProblem(error.message),
      );
    }, TYPING_PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [conversations, query]);

  const choose = (user: User): void => {
    onChange([...chosen, user]);
    setQuery("");
  };
  const others = found?.filter(({ id }) => !without.includes(id) && !chosen.some((each) => each.id === id));
  return (
    <div className="people-finder">
      {chosen.length > 0 && <Chosen people={chosen} onChange={onChange} />}
      <label>
        {texts.find}
        <input
          value={query}
          placeholder={texts.findHint}
          onChange={(event) => setQuery(event.target.value)}
          autoComplete="off"
        />
      </label>
      {others && (
        <ul className="found">
          {others.map((user) => (
            <li key={user.id}>
              <button type="button" onClick={() => choose(user)}>
                <Avatar id={user.id} name={user.name} picture={user.avatar} />
                <span>{user.name}</span>
              </button>
            </li>
          ))}
          {others.length === 0 && <li className="note">{texts.nobodyFound}</li>}
        </ul>
      )}
      <p className="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}

function Chosen({ people, onChange }: { people: readonly User[]; onChange: (people: readonly User[]) => void }) {
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
