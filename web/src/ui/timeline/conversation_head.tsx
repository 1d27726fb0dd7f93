import type { Conversation } from "@talkwire/client";
import { Avatar } from "../components/avatar";
import { faceOf, nameOf } from "../components/conversation_names";
import { PlaceAvatar } from "../components/kind_icon";
import { useChatState } from "../page/chat_context";
import "./conversation_head.css";

/** Which conversation it is: its picture and its name. */
export function ConversationHead({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const name = nameOf(conversation);
  return (
    <>
      {conversation.kind === "direct" ? (
        <Avatar id={faceOf(conversation, me)} name={name} picture={conversation.avatar} />
      ) : (
        <PlaceAvatar conversation={conversation} />
      )}
      <strong>{name}</strong>
    </>
  );
}
