import type { SeenCard } from "@talkwire/client";
import { Check } from "lucide-react";
import { useState } from "react";
import { afterPress, type CardMessage, isChoice } from "../../chat/cards/card_rules";
import { useChat } from "../page/chat_context";
import { cardTexts as texts } from "./texts";
import { useCards } from "./use_cards";

interface Props {
  message: CardMessage;
  seen: SeenCard | undefined;
  mayChoose: boolean;
}

const NOTHING: readonly string[] = [];

/** The answers of a poll, with how many have chosen each. A press chooses, and the next one takes that back. */
export function Poll({ message, seen, mayChoose }: Props) {
  const chat = useChat();
  const cards = useCards();
  /** What the reader has pressed, until the server has stored it. */
  const [pressed, setPressed] = useState<readonly string[] | null>(null);
  const { card, id } = message;
  const { counts, max = 1 } = card;
  const mine = pressed ?? seen?.mine?.actionIds ?? NOTHING;
  const options = card.actions.filter((action) => isChoice(card, action));
  const all = Math.max(1, ...Object.values(counts ?? {}));
  const press = async (actionId: string): Promise<void> => {
    // A button that is disabled meanwhile would lose the focus.
    if (pressed !== null) return;
    const wanted = afterPress(mine, actionId, max);
    setPressed(wanted);
    try {
      await cards.choose(id, wanted);
    } catch (error) {
      chat.showNotice((error as Error).message);
    } finally {
      setPressed(null);
    }
  };
  return (
    <ul className="options">
      {options.map(({ id: actionId, label }) => {
        const count = counts?.[actionId];
        const isMine = mine.includes(actionId);
        const shown = (
          <>
            <span className="option-tick" aria-hidden="true">
              {isMine && <Check className="icon" />}
            </span>
            <span className="option-label" dir="auto">
              {label}
            </span>
            {count !== undefined && (
              <span className="option-count">
                <span aria-hidden="true">{count}</span>
                <span className="hidden">{texts.votes(count)}</span>
              </span>
            )}
            {count !== undefined && (
              <span className="option-bar" style={{ inlineSize: `${(100 * count) / all}%` }} aria-hidden="true" />
            )}
          </>
        );
        return (
          <li key={actionId}>
            {mayChoose ? (
              <button
                type="button"
                className="option"
                aria-pressed={isMine}
                disabled={seen === undefined}
                onClick={() => void press(actionId)}
              >
                {shown}
              </button>
            ) : (
              <div className={isMine ? "option mine" : "option"}>{shown}</div>
            )}
          </li>
        );
      })}
    </ul>
  );
}
