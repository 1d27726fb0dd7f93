import { useEffect, useState } from "react";
import type { User } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { useSaving } from "./use_saving";
import "./account_settings.css";

/** The users whom the reader has blocked. */
export function BlockedSettings() {
  const { people } = useChat();
  const blocked = useChatState((state) => state.blocked);
  const [users, setUsers] = useState<readonly User[] | null>(null);
  const saving = useSaving();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when a user was blocked, here or elsewhere
  useEffect(() => {
    people.blocked().then(setUsers, () => setUsers([]));
  }, [people, blocked]);
  if (users?.length === 0) return <p className="hint">{texts.settings.nobodyBlocked}</p>;
  return (
    <section>
      <p className="hint">{texts.settings.blockedHint}</p>
      <ul className="devices">
        {users?.map(({ id, name, avatar }) => (
          <li key={id}>
            <Avatar id={id} name={name} picture={avatar} />
            <span className="device">{name}</span>
            <button
              type="button"
              aria-label={texts.settings.unblockOne(name)}
              onClick={() => void saving.save(() => people.unblock(id))}
            >
              {texts.people.unblock}
            </button>
          </li>
        ))}
      </ul>
      <p className="problem" role="alert">
        {saving.problem}
      </p>
    </section>
  );
}
