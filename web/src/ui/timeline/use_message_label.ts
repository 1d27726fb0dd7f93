import type { Message } from "@talkwire/client";
import { useMemo } from "react";
import { attachedSummary, messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { spokenLabel } from "../components/spoken_label";
import { useDistinctName } from "../people/person_handle";

/** Returns what screen readers call a message: its author, its time and what it says. */
export function useMessageLabel(message: Message): string {
  const name = useDistinctName(message.senderId, message.sender.name);
  return useMemo(() => {
    const summary = [plainText(messageSummary(message)), attachedSummary(message)].filter(Boolean).join(", ");
    return spokenLabel(message.type === "system" ? "" : name, message.createdAt, summary);
  }, [message, name]);
}
