import type { Restriction } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat } from "../page/chat_context";

const HOUR_MS = 3_600_000;
const LASTS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, ever: null } as const;
type Lasts = keyof typeof LASTS;

interface Props {
  kind: Restriction["kind"];
  conversationId: string;
  userId: string;
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** Asks for the duration and the reason of a mute or a ban. */
export function RestrictDialog({ kind, conversationId, userId, name, onDone, onClose }: Props) {
  const { moderation } = useChat();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const labels = texts.places.restricting[kind];

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const lasts = String(form.get("lasts")) as Lasts;
    setBusy(true);
    setProblem("");
    try {
      await moderation.restrict(conversationId, kind, userId, {
        forMs: LASTS[lasts],
        reason: String(form.get("reason")),
      });
      onDone();
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={labels.title(name)} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p className="hint">{labels.means}</p>
        <label>
          {texts.places.lasts}
          <select name="lasts" defaultValue={kind === "ban" ? "ever" : "hour"}>
            {(Object.keys(LASTS) as Lasts[]).map((each) => (
              <option key={each} value={each}>
                {texts.places.lasting[each]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {texts.places.reason}
          <input name="reason" maxLength={500} autoComplete="off" />
        </label>
        <FormButtons problem={problem} action={labels.action} disabled={busy} isDangerous onClose={onClose} />
      </form>
    </Dialog>
  );
}
