import type { Message } from "@talkwire/client";
import { useMemo } from "react";
import { isByAgent } from "../../chat/messages/agents";
import { attachedSummary, messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { spokenLabel } from "../components/spoken_label";
import { useDistinctName } from "../people/person_handle";
import { useNameIn } from "../people/use_name_in";

/** Returns what screen readers call a message: its author, its time and what it says. */
export function useMessageLabel(message: Message): string {
  const person = useDistinctName(message.senderId, message.sender.name);
  const owner = useNameIn(message.conversationId, message.onBehalfOf);
  const name = isByAgent(message)
    ? [person, texts.agent, owner && texts.onBehalfOf(owner)].filter(Boolean).join(", ")
    : person;
  return useMemo(() => {
    const summary = [plainText(messageSummary(message)), attachedSummary(message)].filter(Boolean).join(", ");
    return spokenLabel(message.type === "system" ? "" : name, message.createdAt, summary);
  }, [message, name]);
}
