import type { Conversation, MemberPreferences } from "@talkwire/client";
import { useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";
import { mutedText } from "./mute_actions";
import { SoundChoice } from "./sound_choice";
import "./alert_settings.css";

type Notify = NonNullable<MemberPreferences["notify"]>;

const LEVELS: readonly Notify[] = ["all", "mentions", "none"];

/** Up to so many members, the server notifies all of each message by a conversation's default. */
const NOTIFIED_MAX = 100;

/** Notification preferences of one conversation. Each change is saved at once. */
export function ConversationAlerts({ conversation }: { conversation: Conversation }) {
  const { alerts, conversations } = useChat();
  const { id } = conversation;
  const [preferences, setPreferences] = useState<MemberPreferences | null>(null);
  const [problem, setProblem] = useState("");
  const labels = texts.alerts.conversation;

  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    let current = true;
    alerts.preferencesOf(id).then(
      (found) => {
        if (!current) return;
        setPreferences(found);
        setProblem("");
      },
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [alerts, id, reconnects]);

  /** The newest change, which the answer to an earlier one must not replace. */
  const newest = useRef<Partial<MemberPreferences>>(null);

  if (preferences === null) return <p className="problem">{problem}</p>;
  const { notify, sound } = preferences;
  // The state ends a mute at its time.
  const { muted = false } = conversation;
  const usual = usualText(conversation);
  const change = async (wanted: Partial<MemberPreferences>): Promise<void> => {
    setProblem("");
    setPreferences({ ...preferences, ...wanted });
    newest.current = wanted;
    try {
      const saved = await conversations.prefer(id, wanted);
      if (newest.current === wanted) setPreferences(saved);
    } catch (error) {
      setPreferences(preferences);
      setProblem((error as Error).message);
    }
  };
  return (
    <section className="alerts" aria-label={labels.title}>
      <h3>{labels.title}</h3>
      <p className="hint" role="status">
        {muted ? mutedText(conversation) : ""}
      </p>
      <label>
        {labels.notify}
        <select
          value={notify ?? (usual === undefined ? "all" : "default")}
          disabled={muted}
          onChange={({ target: { value } }) => void change({ notify: LEVELS.find((level) => level === value) ?? null })}
        >
          {usual !== undefined && <option value="default">{usual}</option>}
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {labels.levels[level]}
            </option>
          ))}
        </select>
      </label>
      <SoundChoice
        label={labels.sound}
        none={labels.usualSound}
        value={sound}
        disabled={muted}
        onChange={(chosen) => void change({ sound: chosen })}
      />
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}

/** Returns what a member is notified of without a choice; undefined where that is all messages by the conversation's kind. */
function usualText({ kind, notify, memberCount }: Conversation): string | undefined {
  const { byDefault, levels } = texts.alerts.conversation;
  if (notify !== undefined && !(notify === "all" && memberCount > NOTIFIED_MAX)) return byDefault(levels[notify]);
  // The server notifies of replies only by default.
  return kind === "direct" ? undefined : levels.usual;
}
