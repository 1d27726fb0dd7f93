import { own } from "@talkwire/client/parts";
import { nameOf } from "../components/conversation_names";
import { useChatState } from "../page/chat_context";

interface Props {
  conversationId: string;
  /** The name of the author of what is found. */
  author: string;
}

/** The line with the conversation of a message or an offer, unless it has the name that stands above. */
export function FindWhere({ conversationId, author }: Props) {
  const name = useChatState((state) => {
    const conversation = own(state.conversations, conversationId);
    if (conversation === undefined) return "";
    const where = nameOf(conversation);
    return conversation.kind === "direct" && where === author ? "" : where;
  });
  if (name === "") return null;
  return (
    <span className="find-where" dir="auto">
      {name}
    </span>
  );
}
