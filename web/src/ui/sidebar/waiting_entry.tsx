import { Gavel } from "lucide-react";
import { cardLabels } from "../cards/labels";
import { useWaiting } from "../cards/use_cards";
import { SideCount } from "../components/side_count";
import { useChat } from "../page/chat_context";

/** Opens the list of decisions that wait for the reader, if there are any. */
export function WaitingEntry() {
  const chat = useChat();
  const { count } = useWaiting();
  if (count === 0) return null;
  return (
    <button
      type="button"
      className="list-action waiting"
      aria-haspopup="dialog"
      onClick={() => chat.openOverlay("waiting")}
    >
      <Gavel className="icon" aria-hidden="true" />
      <span>{cardLabels.waiting}</span>
      <SideCount count={count} words={cardLabels.waitingCount(count)} />
    </button>
  );
}
