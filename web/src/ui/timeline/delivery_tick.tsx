import type { Message } from "@talkwire/client";
import { own, statusOf } from "@talkwire/client/parts";
import { Check, CheckCheck } from "lucide-react";
import { texts } from "../../texts";
import { useChatState } from "../chat_context";

/** One tick for sent, two for delivered to all others, two coloured ones for read by all. */
export function DeliveryTick({ message: { conversationId, seq } }: { message: Message }) {
  const status = useChatState(({ conversations, me }) =>
    statusOf(own(conversations, conversationId)?.members, seq, me.id),
  );
  return (
    <small className={`tick ${status}`} role="img" aria-label={texts.status[status]} title={texts.status[status]}>
      {status === "sent" ? <Check className="icon" /> : <CheckCheck className="icon" />}
    </small>
  );
}
