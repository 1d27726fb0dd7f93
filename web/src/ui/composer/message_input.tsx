import type { Conversation } from "@talkwire/client";
import { isNonMember, may, roleOf } from "@talkwire/client/parts";
import { partnerOf } from "../components/conversation_names";
import { useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { useBlockedPartner } from "../people/use_blocked_partner";
import type { Refusal } from "./cannot_write";
import { Composer } from "./composer";

/** Most readers can write wherever they look. */
const CannotWrite = lazyPart(() => import("./cannot_write"), "place");

interface Props {
  conversation: Conversation;
  /** The words of the empty field. */
  placeholder: string;
  /** The root of the thread; undefined for the conversation itself. */
  threadId?: string;
  /** Whether the root of the thread was deleted, so that nobody can reply. */
  isGone?: boolean;
}

/** The composer, or why the reader cannot write, and what they had written until then. */
export function MessageInput({ conversation, placeholder, threadId, isGone = false }: Props) {
  const refused = useRefusal(conversation);
  const refusal: Refusal | null = isGone ? { why: "gone" } : refused;
  if (refusal === null) return <Composer id={conversation.id} placeholder={placeholder} threadId={threadId} />;
  return (
    <CannotWrite
      conversation={conversation}
      threadId={threadId}
      refusal={refusal}
      fallback={<p className="read-only" />}
    />
  );
}

/** Returns why the reader cannot write in a conversation; null if they can. */
function useRefusal(conversation: Conversation): Refusal | null {
  const me = useChatState((state) => state.me);
  const { kind, mutedByModerator: mute } = conversation;
  const role = roleOf(conversation, me);
  const blocked = useBlockedPartner(conversation);
  if (isNonMember(conversation, me)) return { why: "outside" };
  if (!may(kind, role, "post")) return { why: role === undefined ? "unknown" : "readOnly" };
  if (mute !== undefined) return { why: "muted", mute };
  if (partnerOf(conversation, me)?.erased === true) return { why: "erased" };
  if (blocked !== undefined) return { why: "blocked", userId: blocked.userId, name: blocked.name };
  return null;
}
