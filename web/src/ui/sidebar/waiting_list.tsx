import type { SeenCard } from "@talkwire/client";
import { Gavel } from "lucide-react";
import { endTime, fullTime } from "../../time_format";
import { cardLabels } from "../cards/labels";
import { cardTexts as texts } from "../cards/texts";
import { useWaiting } from "../cards/use_cards";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { goTo } from "../page/page_address";
import { FindWhere } from "../search/find_where";
import "../search/message_results.css";

/** The decisions that wait for the reader, the newest first. Choosing one opens it in its conversation. */
export default function WaitingList({ onClose }: { onClose: () => void }) {
  const { items, count } = useWaiting();
  const open = ({ conversationId, messageId }: SeenCard): void => {
    onClose();
    goTo(conversationId, messageId);
  };
  return (
    <Dialog title={cardLabels.waiting} onClose={onClose} className="large">
      {items.length === 0 ? (
        <EmptyState icon={Gavel} title={texts.nothingWaits} />
      ) : (
        <ul className="finds">
          {items.map((card) => (
            <li key={card.messageId}>
              <button type="button" className="find" onClick={() => open(card)}>
                <span className="find-who">
                  <strong dir="auto">{card.title}</strong>
                  {card.expiresAt !== undefined && (
                    <time dateTime={card.expiresAt} title={fullTime(card.expiresAt)}>
                      {texts.until(endTime(card.expiresAt))}
                    </time>
                  )}
                </span>
                <FindWhere conversationId={card.conversationId} author="" />
                {card.text !== undefined && (
                  <span className="find-says" dir="auto">
                    {card.text}
                  </span>
                )}
              </button>
            </li>
          ))}
        </ul>
      )}
      {items.length < count && <p className="note">{texts.someWait(items.length, count)}</p>}
    </Dialog>
  );
}
