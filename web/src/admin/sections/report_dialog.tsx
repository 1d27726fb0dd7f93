import type { Message } from "@talkwire/client";
import { useState } from "react";
import { useApi } from "../admin_context";
import type { ReportAnswer } from "../answers";
import { useLoaded } from "../data/use_loaded";
import { ActionDialog } from "../parts/action_dialog";
import { texts } from "../texts";

interface Props {
  report: ReportAnswer;
  onDone: () => void;
  onClose: () => void;
}

/** Shows the reported message, and asks what to do. */
export function ReportDialog({ report, onDone, onClose }: Props) {
  const api = useApi();
  const [outcome, setOutcome] = useState("dismissed");
  const decide = async (fields: FormData): Promise<string> => {
    const reason = String(fields.get("reason")).trim();
    await api.patch(`reports/${encodeURIComponent(report.id)}`, { ...decisionOf(outcome), reason });
    onDone();
    return texts.reports.decided;
  };
  return (
    <ActionDialog
      title={texts.reports.decideTitle}
      action={texts.reports.action}
      isDangerous={outcome !== "dismissed" && outcome !== "resolved"}
      onSubmit={decide}
      onClose={onClose}
    >
      <ReportedMessage id={report.messageId} />
      {report.note && (
        <p>
          {texts.reports.note}: {report.note}
        </p>
      )}
      <label>
        {texts.reports.outcome}
        <select value={outcome} onChange={({ target }) => setOutcome(target.value)}>
          {Object.entries(texts.reports.outcomes).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.reason}
        <textarea name="reason" rows={2} maxLength={500} required />
      </label>
    </ActionDialog>
  );
}

/** Returns what the server takes for a decision: an action resolves the report. */
export function decisionOf(outcome: string): { state: string; action?: string } {
  return outcome === "dismissed" || outcome === "resolved"
    ? { state: outcome }
    : { state: "resolved", action: outcome };
}

function ReportedMessage({ id }: { id: string }) {
  const { value, problem } = useLoaded<Message>(`messages/${encodeURIComponent(id)}`);
  if (problem !== "")
    return (
      <p role="alert">
        {texts.reports.notReadable} {problem}
      </p>
    );
  if (value === undefined) return <p role="status">{texts.loading}</p>;
  return (
    <figure className="admin-quote">
      <figcaption>{texts.reports.by(value.sender.name)}</figcaption>
      <blockquote>{value.content || texts.reports.deletedMessage}</blockquote>
    </figure>
  );
}
