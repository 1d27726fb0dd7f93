import { type FormEvent, useState } from "react";
import type { Rules } from "../../chat/conversations/moderation";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";

/** Seconds that the form offers; the server accepts up to a day. */
const SLOW = [0, 10, 30, 60, 300, 900, 3600, 86_400] as const;

/** Edits the name and the rules of a group or a channel. */
export function EditConversationDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { moderation } = useChat();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const { id, kind, name, history, slowModeS = 0 } = conversation;
  const slow = SLOW.some((each) => each === slowModeS) ? SLOW : [...SLOW, slowModeS];

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const rules = rulesOf(new FormData(event.currentTarget));
    setBusy(true);
    setProblem("");
    try {
      await moderation.update(id, rules);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={texts.places.changeTitle[kind]} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {texts.places.name}
          <input name="name" required maxLength={100} defaultValue={name} autoComplete="off" />
        </label>
        <label className="check">
          <input type="checkbox" name="public" defaultChecked={conversation.public} />
          {texts.places.isPublic}
        </label>
        <label>
          {texts.places.history}
          <select name="history" defaultValue={history}>
            <option value="all">{texts.places.histories.all}</option>
            <option value="from-join">{texts.places.histories["from-join"]}</option>
          </select>
        </label>
        {kind === "group" && (
          <label>
            {texts.places.slowMode}
            <select name="slow" defaultValue={slowModeS}>
              {slow.map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds === 0 ? texts.places.notSlow : texts.places.every(seconds)}
                </option>
              ))}
            </select>
          </label>
        )}
        <FormButtons problem={problem} action={texts.places.save} disabled={busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

function rulesOf(form: FormData): Rules {
  return {
    name: String(form.get("name")).trim(),
    public: form.has("public"),
    history: form.get("history") === "from-join" ? "from-join" : "all",
    ...(form.has("slow") ? { slowModeS: Number(form.get("slow")) } : {}),
  };
}
