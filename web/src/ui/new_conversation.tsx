import { type FormEvent, useEffect, useRef, useState } from "react";
import type { User } from "../server/payloads";
import { texts } from "../texts";
import { Avatar } from "./avatar";
import { useChat } from "./context";

const TYPING_PAUSE_MS = 200;

interface Props {
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** One person makes a direct conversation, several a group. */
export function NewConversation({ onClose, onOpen }: Props) {
  const chat = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly User[] | null>(null);
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const wanted = query.trim();
    if (wanted === "") return setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      chat.findUsers(wanted).then(
        (users) => current && setFound(users),
        (error: Error) => current && setProblem(error.message),
      );
    }, TYPING_PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [chat, query]);

  const choose = (user: User): void => {
    setChosen([...chosen.filter((each) => each.id !== user.id), user]);
    setQuery("");
  };
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    setBusy(true);
    setProblem("");
    try {
      const ids = chosen.map((user) => user.id);
      onOpen(await chat.create(ids.length === 1 ? "direct" : "group", ids, name));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  const others = found?.filter((user) => !chosen.some((each) => each.id === user.id));

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="new-title">
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="new-title">{texts.newConversation}</h2>
        {chosen.length > 0 && (
          <ul className="chosen">
            {chosen.map((user) => (
              <li key={user.id}>
                {user.name}
                <button
                  type="button"
                  className="quiet"
                  aria-label={texts.remove(user.name)}
                  onClick={() => setChosen(chosen.filter((each) => each.id !== user.id))}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
        )}
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
                  <Avatar id={user.id} name={user.name} />
                  <span>{user.name}</span>
                </button>
              </li>
            ))}
            {others.length === 0 && <li className="note">{texts.nobodyFound}</li>}
          </ul>
        )}
        {chosen.length > 1 && (
          <label>
            {texts.groupName}
            <input name="name" required maxLength={100} />
          </label>
        )}
        <p className="problem" role="alert">
          {problem}
        </p>
        <div className="buttons">
          <button type="button" className="quiet" onClick={onClose}>
            {texts.cancel}
          </button>
          <button type="submit" className="primary" disabled={busy || chosen.length === 0}>
            {texts.start}
          </button>
        </div>
      </form>
    </dialog>
  );
}
