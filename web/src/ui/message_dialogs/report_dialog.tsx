import type { Message } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { RadioGroup } from "../components/radio_group";
import { useChat } from "../page/chat_context";
import { MessagePreview } from "./message_preview";

const REASONS = ["spam", "abuse", "other"] as const;
type Reason = (typeof REASONS)[number];

interface Props {
  message: Message;
  onClose: () => void;
}

/** Asks why the reader reports a message to the admins of the server, and says when it is reported. */
export default function ReportDialog({ message, onClose }: Props) {
  const { moderation } = useChat();
  const [reason, setReason] = useState<Reason>("spam");
  const [problem, setProblem] = useState("");
  const [state, setState] = useState<"asking" | "sending" | "sent">("asking");
  const labels = texts.report;

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const note = String(new FormData(event.currentTarget).get("note")).trim();
    setState("sending");
    setProblem("");
    try {
      await moderation.report(message.id, reason, note);
      setState("sent");
    } catch (error) {
      setProblem((error as Error).message);
      setState("asking");
    }
  };
  if (state === "sent") {
    return (
      <Dialog title={labels.action} onClose={onClose}>
        <p role="status">{labels.sent}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={labels.action} onClose={onClose}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        <MessagePreview message={message} />
        <RadioGroup
          label={labels.reason}
          options={REASONS.map((value) => ({ value, label: labels.reasons[value] }))}
          value={reason}
          onChange={setReason}
        />
        <label>
          {labels.note}
          <textarea name="note" rows={2} maxLength={1000} />
        </label>
        <p className="hint">{labels.hint}</p>
        <FormButtons problem={problem} action={labels.submit} disabled={state === "sending"} onClose={onClose} />
      </form>
    </Dialog>
  );
}
