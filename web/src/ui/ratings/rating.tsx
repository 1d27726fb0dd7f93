import type { Message } from "@talkwire/client";
import { isByAgent } from "../../chat/messages/agents";
import { useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import "./rating.css";

const Thumbs = lazyPart(() => import("./thumbs"), "silent");

/** With what readers rate a message of an agent, once it is written. Its place is kept while that is loaded. */
export function RatingPlace({ message }: { message: Message }) {
  const isMine = useChatState(({ me }) => me.id === message.senderId);
  const { type, state, deletedAt } = message;
  if (!isByAgent(message) || isMine || type === "system" || state === "streaming" || deletedAt) return null;
  return (
    <div className="rating-place">
      <Thumbs message={message} />
    </div>
  );
}
