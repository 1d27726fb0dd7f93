import { may, roleOf } from "../../chat/conversations/rights";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { Composer } from "../composer/composer";
import { useChatState } from "../context";

interface Props {
  conversation: Conversation;
  name: string;
  /** The message under which it is written; without one, the conversation itself. */
  threadId?: string;
}

/** Where the reader writes, or why they do not. */
export function Writing({ conversation, name, threadId }: Props) {
  const me = useChatState((state) => state.me);
  const role = roleOf(conversation, me);
  if (may(conversation.kind, role, "post")) return <Composer id={conversation.id} name={name} threadId={threadId} />;
  return <p className="read-only">{role === undefined ? "" : texts.places.readOnly}</p>;
}
