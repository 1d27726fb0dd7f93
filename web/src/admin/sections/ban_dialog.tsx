import { useState } from "react";
import { useApi } from "../admin_context";
import { ActionDialog } from "../parts/action_dialog";
import { texts } from "../texts";

interface Props {
  id: string;
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** Bans a user from the server, with a reason and an end where there is one. */
export function BanDialog({ id, name, onDone, onClose }: Props) {
  const api = useApi();
  const [until, setUntil] = useState("");
  const ban = async (fields: FormData): Promise<string> => {
    const reason = String(fields.get("reason")).trim();
    const end = endOf(until, String(fields.get("time") ?? ""), Date.now());
    await api.put(`users/${encodeURIComponent(id)}/ban`, {
      ...(reason !== "" && { reason }),
      ...(end !== null && { until: end }),
    });
    onDone();
    return texts.users.bannedDone(name);
  };
  return (
    <ActionDialog
      title={texts.users.banTitle(name)}
      action={texts.users.banAction}
      isDangerous
      onSubmit={ban}
      onClose={onClose}
    >
      <p>{texts.users.banAbout}</p>
      <label>
        {texts.reason}
        <textarea name="reason" rows={2} maxLength={500} aria-describedby="ban-reason-hint" />
      </label>
      <p className="hint" id="ban-reason-hint">
        {texts.reasonHint}
      </p>
      <label>
        {texts.users.until}
        <select value={until} onChange={({ target }) => setUntil(target.value)}>
          {Object.entries(texts.users.untils).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {until === "chosen" && (
        <label>
          {texts.users.chosenTime}
          <input name="time" type="datetime-local" required />
        </label>
      )}
    </ActionDialog>
  );
}

/** Returns when a ban ends; null for one without an end. `chosen` is a time of the reader's zone. */
export function endOf(until: string, chosen: string, nowMs: number): string | null {
  if (until === "") return null;
  return new Date(until === "chosen" ? chosen : nowMs + Number(until) * 1_000).toISOString();
}
