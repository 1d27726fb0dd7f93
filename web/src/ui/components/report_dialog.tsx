import { type FormEvent, type ReactNode, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "./dialog";
import { FormButtons } from "./form_buttons";
import { RadioGroup } from "./radio_group";

const REASONS = ["spam", "abuse", "other"] as const;
type Reason = (typeof REASONS)[number];

interface Props {
  title: string;
  /** Shows what is reported. */
  children: ReactNode;
  onReport: (reason: Reason, note: string) => Promise<void>;
  onClose: () => void;
}

/** Asks why the reader reports something to the admins of the server, and says when it is reported. */
export function ReportDialog({ title, children, onReport, onClose }: Props) {
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
      await onReport(reason, note);
      setState("sent");
    } catch (error) {
      setProblem((error as Error).message);
      setState("asking");
    }
  };
  if (state === "sent") {
    return (
      <Dialog title={title} onClose={onClose}>
        <p role="status">{labels.sent}</p>
        <div className="buttons">
          <button type="button" className="primary" onClick={onClose}>
            {labels.done}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        {children}
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
