import type { Card, CardAction, SeenCard } from "@talkwire/client";
import {
  Ban,
  BarChart3,
  Check,
  CircleDot,
  CircleSlash,
  Clock,
  Gavel,
  Lock,
  type LucideIcon,
  Replace,
} from "lucide-react";
import type { ReactNode } from "react";
import { type CardMessage, isPoll } from "../../chat/cards/card_rules";
import { endTime, fullTime } from "../../time_format";
import { MessageText } from "../markdown/markdown";
import { useChat } from "../page/chat_context";
import { useMinute } from "../page/use_from_now";
import { Decision } from "./decision";
import { Poll } from "./poll";
import { cardTexts as texts } from "./texts";
import { useMayChoose, useNames, useSeenCard } from "./use_card";
import "./card_view.css";

const ICONS: Readonly<Record<Card["state"], LucideIcon>> = {
  open: CircleDot,
  decided: Check,
  closed: Lock,
  cancelled: Ban,
  expired: Clock,
  superseded: Replace,
  unreachable: CircleSlash,
};

interface Props {
  message: CardMessage;
  /** Follows the card, such as a tick. */
  end?: ReactNode;
}

/** What a message asks its readers, with what they can choose and how far the decision is. */
export default function CardView({ message, end }: Props) {
  const { card } = message;
  const seen = useSeenCard(message.id) ?? undefined;
  const mayChoose = useMayChoose(message);
  const waits = mayChoose && !isPoll(card) && seen !== undefined && seen.mine === undefined;
  const classes = ["card", card.state, waits && "waits"].filter(Boolean).join(" ");
  return (
    <>
      <fieldset className={classes} aria-label={card.title}>
        <Kind card={card} waits={waits} />
        <h3 dir="auto">{card.title}</h3>
        {card.text !== undefined && (
          <div className="card-text">
            <MessageText content={card.text} message={message} />
          </div>
        )}
        {card.fields !== undefined && card.fields.length > 0 && (
          <dl>
            {card.fields.map(({ label, value }) => (
              <div key={label}>
                <dt dir="auto">{label}</dt>
                <dd dir="auto">{value}</dd>
              </div>
            ))}
          </dl>
        )}
        {isPoll(card) ? (
          <Poll message={message} seen={seen} mayChoose={mayChoose} />
        ) : (
          <Decision message={message} seen={seen} mayChoose={mayChoose} />
        )}
        <Links actions={card.actions} />
        <Standing message={message} seen={seen} />
      </fieldset>
      {end}
    </>
  );
}

function Kind({ card, waits }: { card: Card; waits: boolean }) {
  const { max = 1, names, results } = card;
  const Icon = isPoll(card) ? BarChart3 : Gavel;
  const rules = [
    max > 1 && texts.several(max),
    names === "hidden" && texts.hiddenNames,
    results === "closed" && texts.closedResults,
  ].filter((rule) => rule !== false);
  const kind = waits ? texts.yourDecision : texts.decision;
  return (
    <p className="card-kind">
      <Icon className="icon" aria-hidden="true" />
      {[isPoll(card) ? texts.poll : kind, ...rules].join(" · ")}
    </p>
  );
}

function Links({ actions }: { actions: readonly CardAction[] }) {
  const links = actions.filter(({ url }) => url !== undefined);
  if (links.length === 0) return null;
  return (
    <p className="card-links">
      {links.map(({ id, label, url }) => (
        <a key={id} href={url} target="_blank" rel="noreferrer noopener" aria-label={texts.opensLink(label)} dir="auto">
          {label}
        </a>
      ))}
    </p>
  );
}

/** How far the decision is, until when it can be made, and who has made it. */
function Standing({ message, seen }: { message: CardMessage; seen: SeenCard | undefined }) {
  const chat = useChat();
  const { card, conversationId } = message;
  const { state, expiresAt, decidedBy = [] } = card;
  const by = useNames(conversationId, decidedBy);
  const asked = useNames(conversationId, (state === "open" && card.who?.users) || []);
  useMinute();
  const Icon = ICONS[state];
  const label = card.actions.find(({ id }) => id === card.actionId)?.label ?? "";
  const isKnown = isPoll(card) ? card.counts !== undefined && card.names !== "hidden" : seen?.choices !== undefined;
  return (
    <p className="standing" role="status">
      {(state !== "open" || !isPoll(card)) && (
        <span className="status">
          <Icon className="icon" aria-hidden="true" />
          <bdi>{state === "decided" ? texts.states.decided(label) : texts.states[state]}</bdi>
        </span>
      )}
      {decidedBy.length > 0 && <bdi>{texts.by(by)}</bdi>}
      {state === "open" && expiresAt !== undefined && (
        <time dateTime={expiresAt} title={fullTime(expiresAt)}>
          {texts.until(endTime(expiresAt))}
        </time>
      )}
      {asked !== "" && <bdi>{texts.asked(asked)}</bdi>}
      {isPoll(card) && card.counts !== undefined && <span>{texts.votes(sumOf(card.counts))}</span>}
      {isKnown && (
        <button
          type="button"
          className="link reach"
          onClick={() => chat.openMessageDialog({ kind: "choices", message })}
        >
          {texts.who}
        </button>
      )}
    </p>
  );
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
