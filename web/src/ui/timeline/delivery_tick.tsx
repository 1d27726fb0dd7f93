import type { Message } from "@talkwire/client";
import { own, statusOf } from "@talkwire/client/parts";
import { Check, CheckCheck } from "lucide-react";
import { texts } from "../../texts";
import { useChatState } from "../page/chat_context";

/** One tick for sent, two for delivered to all others who can see it, two coloured ones for read by all of them. */
export function DeliveryTick({ message }: { message: Message }) {
  const status = useChatState(({ conversations, me }) => {
    const conversation = own(conversations, message.conversationId);
    return conversation === undefined ? "sent" : statusOf(conversation, message, me.id);
  });
  return (
    <small className={`tick ${status}`} role="img" aria-label={texts.status[status]} title={texts.status[status]}>
      {status === "sent" ? <Check className="icon" /> : <CheckCheck className="icon" />}
    </small>
  );
}
