import type { Conversation } from "@talkwire/client";
import { endsWithLastMember, roleOf } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Confirmation } from "../components/confirmation";
import { nameOf } from "./conversation_names";

/** Asks for confirmation before the reader leaves a conversation, and names the consequences. */
export default function LeaveDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { moderation } = useChat();
  const me = useChatState((state) => state.me);
  const rights = useChatState((state) => state.rights);
  const { id, memberCount } = conversation;
  const becomes =
    memberCount === 1 && endsWithLastMember(conversation, rights)
      ? texts.places.leavingAsLast
      : memberCount > 1 && roleOf(conversation, me) === "owner"
        ? texts.places.leavingAsOwner
        : texts.places.leaving;
  return (
    <Confirmation
      title={texts.places.leaveQuestion(nameOf(conversation))}
      action={texts.places.leave}
      onConfirm={() => moderation.leave(id)}
      onClose={onClose}
    >
      {becomes}
    </Confirmation>
  );
}
