import { own } from "../../chat/core";
import { plainOf } from "../../chat/messages/plain";
import { summaryOf } from "../../chat/messages/summary";
import type { Quote } from "../../server/payloads";
import { texts } from "../../texts";
import { useChatState } from "../context";
import { useJump } from "../panel/jump";

/** The beginning of the message that is answered, and the way to it. */
export function QuoteView({ quote, conversationId }: { quote: Quote; conversationId: string }) {
  const jump = useJump();
  // The quote has no name, and nothing of attachments: those of what is here are known.
  const quoted = useChatState(({ timelines }) =>
    own(timelines, conversationId)?.messages.find(({ id }) => id === quote.id),
  );
  const member = useChatState(({ conversations }) =>
    own(conversations, conversationId)?.members?.find(({ userId }) => userId === quote.senderId),
  );
  const name = quoted?.sender.name ?? member?.name ?? "";
  const says = quote.content || (quoted === undefined ? "" : summaryOf(quoted)) || texts.attachment;
  return (
    <button type="button" className="quote" title={texts.toQuoted(name)} onClick={() => jump(conversationId, quote.id)}>
      <span className="quote-name" dir="auto">
        {name}
      </span>
      <span className="quote-says" dir="auto">
        {plainOf(says)}
      </span>
    </button>
  );
}
