import type { Preferences, Weekday } from "@talkwire/client";
import { useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import { PermissionLine } from "./permission_line";
import { SoundChoice } from "./sound_choice";
import "./alert_settings.css";
import { Switch } from "../components/switch";

const OCCASIONS: readonly (keyof Preferences["notify"])[] = [
  "direct",
  "mentions",
  "replies",
  "messages",
  "decisions",
  "offers",
  "invitations",
  "missedCalls",
];
const DAYS: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

interface PartProps {
  preferences: Preferences;
  onChange: (preferences: Preferences) => void;
}

/** Notification preferences: kinds, sounds and quiet hours. Each change is saved at once. */
export default function AlertSettings() {
  const { alerts } = useChat();
  const [preferences, setPreferences] = useState<Preferences | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    alerts.preferences().then(setPreferences, (error: Error) => setProblem(error.message));
  }, [alerts]);
  /** The newest change, which the answer to an earlier one must not replace. */
  const newest = useRef<Preferences>(null);
  const change = async (wanted: Preferences): Promise<void> => {
    setProblem("");
    setPreferences(wanted);
    newest.current = wanted;
    try {
      const saved = await alerts.setPreferences(wanted);
      if (newest.current === wanted) setPreferences(saved);
    } catch (error) {
      setPreferences(preferences);
      setProblem((error as Error).message);
    }
  };
  const onChange = (wanted: Preferences): void => void change(wanted);
  return (
    <div className="alerts">
      <PermissionLine />
      {preferences && <Occasions preferences={preferences} onChange={onChange} />}
      {preferences && <QuietHours preferences={preferences} onChange={onChange} />}
      <p className="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}

function Occasions({ preferences, onChange }: PartProps) {
  const { notify, sounds } = preferences;
  const labels = texts.alerts.settings;
  return (
    <fieldset>
      <legend>{labels.occasions}</legend>
      {OCCASIONS.map((each) => (
        <div className="occasion" key={each}>
          <Switch
            label={labels.of[each]}
            checked={notify[each]}
            onChange={() => onChange({ ...preferences, notify: { ...notify, [each]: !notify[each] } })}
          />
          <SoundChoice
            label={labels.soundOf(labels.of[each])}
            none={labels.noSound}
            value={sounds[each]}
            disabled={!notify[each]}
            onChange={(sound) => onChange({ ...preferences, sounds: { ...sounds, [each]: sound } })}
          />
        </div>
      ))}
    </fieldset>
  );
}

function QuietHours({ preferences, onChange }: PartProps) {
  const quiet = preferences.doNotDisturb;
  const labels = texts.alerts.settings;
  // Quiet hours are in the time zone where the reader chooses them.
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const change = (wanted: Partial<Preferences["doNotDisturb"]>): void =>
    onChange({ ...preferences, doNotDisturb: { ...quiet, timeZone, ...wanted } });
  return (
    <fieldset>
      <legend>{labels.quiet}</legend>
      <Switch label={labels.quietOn} checked={quiet.enabled} onChange={() => change({ enabled: !quiet.enabled })} />
      {quiet.enabled && (
        <>
          <div className="hours">
            {(["from", "to"] as const).map((end) => (
              <label key={end}>
                {labels[end]}
                <input
                  type="time"
                  required
                  value={quiet[end]}
                  onChange={({ target: { value } }) => value !== "" && change({ [end]: value })}
                />
              </label>
            ))}
          </div>
          <div className="weekdays">
            {DAYS.map((day) => (
              <label key={day} className="weekday">
                <input
                  type="checkbox"
                  checked={quiet.days.includes(day)}
                  onChange={() => change({ days: DAYS.filter((each) => quiet.days.includes(each) !== (each === day)) })}
                />
                {labels.days[day]}
              </label>
            ))}
          </div>
          <p className="note">{labels.zone(quiet.timeZone)}</p>
        </>
      )}
    </fieldset>
  );
}
