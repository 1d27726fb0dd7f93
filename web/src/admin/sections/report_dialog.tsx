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

/** Shows the message as it was reported and what became of it since, and asks what to do. */
export function ReportDialog({ report, onDone, onClose }: Props) {
  const api = useApi();
  const { value: message, problem } = useLoaded<Message>(`messages/${encodeURIComponent(report.messageId)}`);
  const [outcome, setOutcome] = useState("dismissed");
  const isDeleted = message?.deletedAt !== undefined;
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
      {problem !== "" && (
        <p role="alert">
          {texts.reports.notReadable} {problem}
        </p>
      )}
      {problem === "" && message === undefined && <p role="status">{texts.loading}</p>}
      {message !== undefined && <ReportedMessage report={report} message={message} />}
      {report.note && (
        <p>
          {texts.reports.note}: {report.note}
        </p>
      )}
      <label>
        {texts.reports.outcome}
        <select value={outcome} onChange={({ target }) => setOutcome(target.value)}>
          {Object.entries(texts.reports.outcomes)
            .filter(([value]) => value !== "delete" || !isDeleted)
            .map(([value, text]) => (
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

function ReportedMessage({ report, message }: { report: ReportAnswer; message: Message }) {
  const isDeleted = message.deletedAt !== undefined;
  const reported = report.content ?? (isDeleted ? "" : message.content);
  return (
    <figure className="admin-quote">
      <figcaption>{texts.reports.by(message.sender.name)}</figcaption>
      <blockquote>{reported || texts.reports.withoutText}</blockquote>
      {isDeleted && <p>{texts.reports.deleted}</p>}
      {!isDeleted && message.content !== reported && (
        <>
          <p>{texts.reports.edited}</p>
          <blockquote>{message.content || texts.reports.withoutText}</blockquote>
        </>
      )}
    </figure>
  );
}
