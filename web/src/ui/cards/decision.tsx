import type { Card, CardAction, SeenCard } from "@talkwire/client";
import { type CardMessage, isChoice } from "../../chat/cards/card_rules";
import { useChat } from "../page/chat_context";
import { cardTexts as texts } from "./texts";

interface Props {
  message: CardMessage;
  seen: SeenCard | undefined;
  mayChoose: boolean;
}

/** The actions of a decision, as buttons for those who may choose, with what was chosen and filled in. */
export function Decision({ message, seen, mayChoose }: Props) {
  const chat = useChat();
  const { card } = message;
  const { mine } = seen ?? {};
  const actions = card.actions.filter((action) => isChoice(card, action));
  const chosen = card.actions.find(({ id }) => id === mine?.actionIds[0]);
  return (
    <>
      <Progress card={card} actions={actions} />
      {mayChoose && seen !== undefined && mine === undefined && (
        <div className="buttons">
          {actions.map((action) => (
            <button
              key={action.id}
              type="button"
              className={lookOf(action)}
              dir="auto"
              onClick={() => chat.openMessageDialog({ kind: "choice", message, actionId: action.id })}
            >
              {action.label}
            </button>
          ))}
        </div>
      )}
      {chosen !== undefined && card.state === "open" && (
        <p className="my-choice">
          <bdi>{texts.youChose(chosen.label)}</bdi>
        </p>
      )}
      {card.state === "decided" && card.input !== undefined && <Input card={card} input={card.input} />}
    </>
  );
}

/** How many have chosen each action, where several must. */
function Progress({ card: { decide, counts, state }, actions }: { card: Card; actions: readonly CardAction[] }) {
  if (typeof decide === "string" || counts === undefined || state !== "open") return null;
  const steps = actions.map(({ id, label }) => texts.progress(label, counts[id] ?? 0, decide[id] ?? 0));
  return <p className="progress">{steps.join(" · ")}</p>;
}

/** What the last of those who decided has filled in. */
function Input({ card, input }: { card: Card; input: NonNullable<Card["input"]> }) {
  const { properties = {} } = card.actions.find(({ id }) => id === card.actionId)?.input?.schema ?? {};
  return (
    <dl>
      {Object.entries(input).map(([name, value]) => {
        const { title = name, oneOf = [] } = properties[name] ?? {};
        const label = oneOf.find((option) => option.const === value)?.title;
        return (
          <div key={name}>
            <dt dir="auto">{title}</dt>
            <dd dir="auto">{label ?? shownValue(value)}</dd>
          </div>
        );
      })}
    </dl>
  );
}

function shownValue(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? texts.yes : texts.no;
  return String(value);
}

function lookOf({ style }: CardAction): string | undefined {
  return style === "danger" ? "destructive" : style;
}
