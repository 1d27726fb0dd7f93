import type { Message } from "@talkwire/client";
import { isPoll } from "../../chat/cards/card_rules";
import { Confirmation } from "../components/confirmation";
import { cardLabels } from "./labels";
import { cardTexts } from "./texts";
import { useCards } from "./use_cards";

/** Asks before a poll is closed or another card cancelled. */
export default function EndDialog({ message: { id, card }, onClose }: { message: Message; onClose: () => void }) {
  const cards = useCards();
  if (card === undefined) return null;
  const isClosing = isPoll(card);
  return (
    <Confirmation
      title={isClosing ? cardTexts.closeQuestion : cardTexts.cancelQuestion}
      action={cardLabels[isClosing ? "close" : "cancel"]}
      isHarmless={isClosing}
      over={card.state === "open" ? "" : cardTexts.over}
      onConfirm={async () => {
        await (isClosing ? cards.close(id) : cards.cancel(id));
      }}
      onClose={onClose}
    >
      {isClosing ? cardTexts.closeHint : cardTexts.cancelHint}
    </Confirmation>
  );
}
