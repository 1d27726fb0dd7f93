import type { Conversation } from "@talkwire/client";
import { endsWithLastMember, roleOf } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { Confirmation } from "../components/confirmation";
import { nameOf } from "../components/conversation_names";
import { useChat, useChatState } from "../page/chat_context";

/** Asks for confirmation before the reader leaves a conversation, and names the consequences. */
export default function LeaveDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { moderation } = useChat();
  const me = useChatState((state) => state.me);
  const rights = useChatState((state) => state.rights);
  const { id, memberCount } = conversation;
  const { leaving, leavingAsOwner, leavingAsLast, leavingSaved } = texts.places;
  const isOwner = memberCount > 1 && roleOf(conversation, me) === "owner";
  const becomes =
    memberCount === 1 && endsWithLastMember(conversation, rights)
      ? leavingAsLast
      : `${isOwner ? leavingAsOwner : leaving} ${leavingSaved}`;
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
