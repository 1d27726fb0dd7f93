import type { Quote } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { useGoToMessage } from "../components/panel_layout";
import { useChatState } from "../page/chat_context";
import { useIsFolded } from "../people/folded";

/** The start of the message that is replied to, with a link to it. In groups, what blocked users say is hidden. */
export function QuoteView({ quote, conversationId }: { quote: Quote; conversationId: string }) {
  const jump = useGoToMessage();
  // The quote has no name and no attachments; a loaded message has both.
  const quoted = useChatState(({ timelines }) =>
    own(timelines, conversationId)?.messages.find(({ id }) => id === quote.id),
  );
  const member = useChatState(({ conversations }) =>
    own(conversations, conversationId)?.members?.find(({ userId }) => userId === quote.senderId),
  );
  const isFolded = useIsFolded(conversationId, quote.senderId);
  if (isFolded)
    return (
      <button type="button" className="quote" onClick={() => jump(conversationId, quote.id)}>
        <span className="quote-says">{texts.people.folded}</span>
      </button>
    );
  const name = quoted?.sender.name ?? member?.name ?? "";
  const labels = quote.content || (quoted === undefined ? "" : messageSummary(quoted)) || texts.attachment;
  return (
    <button type="button" className="quote" title={texts.toQuoted(name)} onClick={() => jump(conversationId, quote.id)}>
      <span className="quote-name" dir="auto">
        {name}
      </span>
      <span className="quote-says" dir="auto">
        {plainText(labels)}
      </span>
    </button>
  );
}
