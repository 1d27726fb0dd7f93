import type { AskedCard } from "@talkwire/client";
import { Plus, X } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { texts as pageTexts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { IconButton } from "../components/icon_button";
import { Switch } from "../components/switch";
import { useIsGone } from "../page/use_is_gone";
import { cardLabels } from "./labels";
import { cardTexts } from "./texts";
import { useCards } from "./use_cards";
import "./poll_dialog.css";

const texts = cardTexts.form;
const QUESTION_MAX = 200;
const OPTION_MAX = 80;
const OPTIONS_MAX = 20;
const HOUR_MS = 3_600_000;
const ENDINGS = {
  never: null,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  threeDays: 72 * HOUR_MS,
  week: 168 * HOUR_MS,
} as const;

type Ending = keyof typeof ENDINGS;

interface Props {
  conversationId: string;
  threadId: string | undefined;
  onClose: () => void;
}

/** A form for a poll. */
export default function PollDialog({ conversationId, threadId, onClose }: Props) {
  const cards = useCards();
  const isGone = useIsGone(conversationId);
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  /** A poll that is sent again, because the answer was lost, is the same one. */
  const [clientMessageId] = useState(() => crypto.randomUUID());
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const card = pollOf(new FormData(event.currentTarget));
    if (typeof card === "string") return setProblem(card);
    setSending(true);
    setProblem("");
    try {
      await cards.send(conversationId, card, { clientMessageId, ...(threadId === undefined ? {} : { threadId }) });
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setSending(false);
    }
  };
  return (
    <Dialog title={cardLabels.makePoll} onClose={onClose} className="poll-dialog" focusOn="[name=question]">
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {texts.question}
          <input name="question" required maxLength={QUESTION_MAX} autoComplete="off" />
        </label>
        <Options />
        <Switch name="several" label={texts.several} />
        <Switch name="hidden" label={texts.hidden} />
        <Switch name="closed" label={texts.closed} />
        <label>
          {texts.ends}
          <select name="ends" defaultValue="never">
            {(Object.keys(ENDINGS) as Ending[]).map((each) => (
              <option key={each} value={each}>
                {texts.endings[each]}
              </option>
            ))}
          </select>
        </label>
        <FormButtons
          problem={isGone ? pageTexts.noLongerIn : problem}
          action={texts.send}
          disabled={isSending || isGone}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

/** The fields for the answers. Enter leads to the next one, and adds one at the end. */
function Options() {
  const [keys, setKeys] = useState<readonly number[]>([0, 1]);
  const list = useRef<HTMLFieldSetElement>(null);
  const fieldAt = (index: number): HTMLInputElement | undefined =>
    list.current?.querySelectorAll<HTMLInputElement>("input")[index];
  const add = (): void => {
    if (keys.length >= OPTIONS_MAX) return;
    flushSync(() => setKeys([...keys, Math.max(...keys) + 1]));
    fieldAt(keys.length)?.focus();
  };
  return (
    <fieldset ref={list}>
      <legend>{texts.options}</legend>
      {keys.map((key, index) => (
        <div className="poll-option" key={key}>
          <input
            name="option"
            aria-label={texts.optionOf(index + 1)}
            maxLength={OPTION_MAX}
            autoComplete="off"
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
              event.preventDefault();
              const next = fieldAt(index + 1);
              if (next === undefined) add();
              else next.focus();
            }}
          />
          {keys.length > 2 && (
            <IconButton
              icon={X}
              label={texts.remove(index + 1)}
              onClick={() => {
                flushSync(() => setKeys(keys.filter((each) => each !== key)));
                fieldAt(Math.max(0, index - 1))?.focus();
              }}
            />
          )}
        </div>
      ))}
      {keys.length < OPTIONS_MAX && (
        <button type="button" className="quiet" onClick={add}>
          <Plus className="icon" aria-hidden="true" /> {texts.add}
        </button>
      )}
    </fieldset>
  );
}

/** Returns the poll of a form, or what is wrong with it. */
function pollOf(form: FormData): AskedCard | string {
  const labels = form.getAll("option").flatMap((given) => String(given).trim() || []);
  if (labels.length < 2) return texts.tooFew;
  if (new Set(labels).size < labels.length) return texts.same;
  const lastsMs = ENDINGS[form.get("ends") as Ending];
  return {
    title: String(form.get("question")).trim(),
    actions: labels.map((label, index) => ({ id: String(index + 1), label })),
    decide: "poll",
    ...(form.has("several") && { max: labels.length }),
    ...(form.has("hidden") && { names: "hidden" }),
    ...(form.has("closed") && { results: "closed" }),
    ...(lastsMs !== null && { expiresAt: new Date(Date.now() + lastsMs).toISOString() }),
  };
}
