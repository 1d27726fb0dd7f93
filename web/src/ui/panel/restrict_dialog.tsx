import type { Restriction } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { endTime } from "../../time_format";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat, useChatState } from "../page/chat_context";

const HOUR_MS = 3_600_000;
const LASTS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, ever: null } as const;
type Lasts = keyof typeof LASTS;

interface Props {
  kind: Restriction["kind"];
  conversationId: string;
  userId: string;
  name: string;
  /** Called when the user is restricted, by the reader or by somebody else. */
  onChanged: () => void;
  onClose: () => void;
}

/** Asks for the duration and the reason of a mute or a ban. Shows what somebody else has decided before it replaces it. */
export function RestrictDialog({ kind, conversationId, userId, name, onChanged, onClose }: Props) {
  const { moderation } = useChat();
  const myId = useChatState((state) => state.me.id);
  /** What the reader was warned of. */
  const [shown, setShown] = useState<Restriction>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const labels = texts.places.restricting[kind];

  /** Returns what somebody else has decided, if the reader does not know it yet. */
  const decidedByOthers = async (): Promise<Restriction | undefined> => {
    // Without an answer, the reader's decision counts.
    const all = await moderation.restricted(conversationId, kind).catch(() => []);
    return all.find((each) => each.userId === userId && each.by !== myId && !isSame(each, shown));
  };
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const lasts = String(form.get("lasts")) as Lasts;
    setBusy(true);
    setProblem("");
    const theirs = await decidedByOthers();
    if (theirs !== undefined) {
      setShown(theirs);
      setProblem(warning(theirs));
      setBusy(false);
      return onChanged();
    }
    try {
      await moderation.restrict(conversationId, kind, userId, {
        forMs: LASTS[lasts],
        reason: String(form.get("reason")),
      });
      onChanged();
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

const isSame = (one: Restriction, other: Restriction | undefined): boolean =>
  one.by === other?.by && one.until === other?.until && one.reason === other?.reason;

function warning({ kind, until, reason }: Restriction): string {
  const { meanwhile, again } = texts.places.restricting[kind];
  const decision = meanwhile(until === undefined ? null : endTime(until), reason);
  // A reason may end without a full stop.
  return `${decision}${/[.!?…]$/.test(decision) ? "" : "."} ${again}`;
}
