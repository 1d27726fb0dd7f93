import type { Message, UserChoice } from "@talkwire/client";
import { useEffect } from "react";
import { isChoice } from "../../chat/cards/card_rules";
import { cardTexts as texts } from "../cards/texts";
import { useSeenCard } from "../cards/use_card";
import { useCards } from "../cards/use_cards";
import { LoadedDialog } from "./loaded_dialog";
import { Person } from "./reacted_by";

interface Props {
  message: Message;
  onClose: () => void;
}

/** Who has chosen which action, and why. Loads it again when the counts change. */
export default function ChosenBy({ message: { id, card, conversationId }, onClose }: Props) {
  const cards = useCards();
  const seen = useSeenCard(id);
  const counts = JSON.stringify(card?.counts);
  // biome-ignore lint/correctness/useExhaustiveDependencies: somebody has chosen when the counts change
  useEffect(() => void cards.load(id), [cards, id, counts]);
  if (card === undefined) return null;
  const choices = seen?.choices ?? [];
  return (
    <LoadedDialog title={texts.who} isLoading={seen === undefined} problem="" onClose={onClose}>
      {card.actions
        .filter((action) => isChoice(card, action))
        .map(({ id: actionId, label }) => (
          <section key={actionId} aria-label={label}>
            <h3 dir="auto">
              {label} {card.counts?.[actionId] ?? 0}
            </h3>
            <Choosers choices={choices.filter(({ actionIds }) => actionIds.includes(actionId))} of={conversationId} />
          </section>
        ))}
    </LoadedDialog>
  );
}

function Choosers({ choices, of }: { choices: readonly UserChoice[]; of: string }) {
  if (choices.length === 0) return <p className="hint">{texts.nobody}</p>;
  return (
    <ul className="receipts">
      {choices.map(({ userId, comment }) => (
        <li key={userId}>
          <Person id={userId} conversationId={of} />
          {comment !== undefined && (
            <span className="choice-comment" dir="auto">
              {comment}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
