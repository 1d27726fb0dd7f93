import type { User } from "@talkwire/client";
import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChat, useChatState } from "../page/chat_context";
import { useSaving } from "./use_saving";
import "./devices_settings.css";
import { Switch } from "../components/switch";

/** What others may see of the reader, and whom the reader does not want to see. */
export function PrivacySettings() {
  return (
    <>
      <ReadReceipts />
      <Blocked />
    </>
  );
}

function ReadReceipts() {
  const { alerts } = useChat();
  const [isOn, setOn] = useState<boolean | null>(null);
  const saving = useSaving();
  useEffect(() => {
    alerts.preferences().then(
      ({ readReceipts }) => setOn(readReceipts),
      () => undefined,
    );
  }, [alerts]);
  const change = async (): Promise<void> => {
    const wanted = !isOn;
    setOn(wanted);
    if (!(await saving.save(() => alerts.setReadReceipts(wanted)))) setOn(!wanted);
  };
  return (
    <section>
      <h3>{texts.settings.receipts}</h3>
      {isOn !== null && <Switch label={texts.settings.sendReceipts} checked={isOn} onChange={() => void change()} />}
      <p className="hint below">{texts.settings.receiptsHint}</p>
      <p className="problem" role="alert">
        {saving.problem}
      </p>
    </section>
  );
}

function Blocked() {
  const { people } = useChat();
  const blocked = useChatState((state) => state.blocked);
  const [users, setUsers] = useState<readonly User[]>([]);
  const saving = useSaving();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when a user was blocked, here or elsewhere
  useEffect(() => {
    people.blocked().then(setUsers, () => setUsers([]));
  }, [people, blocked]);
  return (
    <section>
      <h3>{texts.settings.blocked}</h3>
      <p className="hint">{users.length === 0 ? texts.settings.nobodyBlocked : texts.settings.blockedHint}</p>
      <ul className="devices">
        {users.map(({ id, name, avatar }) => (
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
