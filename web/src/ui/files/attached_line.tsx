import type { Message } from "@talkwire/client";
import { Paperclip } from "lucide-react";
import { attachedSummary } from "../../chat/messages/message_summary";
import "./attached_line.css";

/** Says below the text of a message in a preview what is attached to it. */
export function AttachedLine({ message }: { message: Message }) {
  const attached = attachedSummary(message);
  if (attached === "") return null;
  return (
    <span className="attached-line">
      <Paperclip className="icon" aria-hidden="true" />
      <span dir="auto">{attached}</span>
    </span>
  );
}
