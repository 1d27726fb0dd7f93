import type { Message, Offer } from "@talkwire/client";
import { useLayoutEffect, useRef, useState } from "react";
import { formatAmount } from "../../chat/offers/money";
import { hrefOf } from "../address";
import { useApi } from "../admin_context";
import type { ReportAnswer, ReportContextAnswer } from "../answers";
import { useLoaded } from "../data/use_loaded";
import { pathOfUser, useNames } from "../data/use_names";
import { ActionDialog } from "../parts/action_dialog";
import { texts } from "../texts";

/** What was reported, as it is now. */
type Now = Message | Offer;

interface Props {
  report: ReportAnswer;
  onDone: () => void;
  onClose: () => void;
}

/** Shows the message or offer as it was reported and what became of it since, and asks what to do. */
export function ReportDialog({ report, onDone, onClose }: Props) {
  const api = useApi();
  const { messageId, offerId } = report;
  const { value: now, problem } = useLoaded<Now>(
    offerId === undefined ? `messages/${encodeURIComponent(messageId ?? "")}` : `offers/${encodeURIComponent(offerId)}`,
  );
  const { value: around } = useLoaded<ReportContextAnswer>(`reports/${encodeURIComponent(report.id)}/context`);
  const [outcome, setOutcome] = useState("dismissed");
  const isDeleted = now?.deletedAt !== undefined;
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
      {problem === "" && now === undefined && <p role="status">{texts.loading}</p>}
      <Around messages={around?.before} label={texts.reports.before} nearest="last" />
      {now !== undefined && <Reported report={report} now={now} />}
      <Around messages={around?.after} label={texts.reports.after} nearest="first" />
      <p>
        <a href={hrefOf("conversations", {}, report.conversationId)}>{texts.reports.toConversation}</a>
      </p>
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

interface AroundProps {
  messages?: readonly Message[] | undefined;
  label: string;
  nearest: "first" | "last";
}

/** Messages before or after what was reported. The list is scrolled to the one that is nearest to it. */
function Around({ messages = [], label, nearest }: AroundProps) {
  const ref = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => {
    const list = ref.current;
    if (list !== null && messages.length > 0 && nearest === "last") list.scrollTop = list.scrollHeight;
  }, [messages.length, nearest]);
  if (messages.length === 0) return null;
  return (
    <ol ref={ref} className="admin-around" aria-label={label}>
      {messages.map(({ id, sender, content, deletedAt }) => (
        <li key={id}>
          <strong>{sender.name}</strong>{" "}
          {content || texts.reports[deletedAt === undefined ? "withoutText" : "isDeleted"]}
        </li>
      ))}
    </ol>
  );
}

function Reported({ report, now }: { report: ReportAnswer; now: Now }) {
  const isDeleted = now.deletedAt !== undefined;
  const text = textOf(now);
  const reported = report.content ?? (isDeleted ? "" : text);
  return (
    <figure className="admin-quote">
      <Author now={now} />
      <blockquote>{reported || texts.reports.withoutText}</blockquote>
      {isDeleted && <p>{texts.reports.deleted}</p>}
      {!isDeleted && text !== reported && (
        <>
          <p>{texts.reports.edited}</p>
          <blockquote>{text || texts.reports.withoutText}</blockquote>
        </>
      )}
    </figure>
  );
}

function textOf(now: Now): string | null | undefined {
  return "amount" in now ? [now.title, now.description].filter(Boolean).join("\n\n") : now.content;
}

function Author({ now }: { now: Now }) {
  const id = "amount" in now ? now.authorId : now.senderId;
  const path = pathOfUser(id);
  const name = useNames("amount" in now ? [path] : []).get(path) ?? id;
  return (
    <figcaption title={id}>
      {"amount" in now
        ? texts.reports.offerBy(name, formatAmount(now.amount, now.currency))
        : texts.reports.by(now.sender.name)}
    </figcaption>
  );
}
