import type { Conversation } from "@talkwire/client";
import { isolated } from "../../chat/people/isolated";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChatState } from "../page/chat_context";
import "./group_faces.css";

const SHOWN_MAX = 4;

/** Who is in a group beside the reader. */
export function GroupFaces({ conversation: { members = [] } }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const others = members.filter(({ userId }) => userId !== me.id);
  if (others.length === 0) return null;
  const mine = { userId: me.id, name: me.name, avatar: me.avatar };
  const shown = others.slice(0, SHOWN_MAX);
  const names = shown.map(({ name }) => isolated(name));
  const more = others.length - shown.length;
  return (
    <p className="group-faces">
      {[mine, ...shown].map(({ userId, name, avatar }) => (
        <Avatar key={userId} id={userId} name={name} picture={avatar} />
      ))}
      <span dir="auto">{texts.listed([texts.you, ...names, ...(more > 0 ? [texts.notices.others(more)] : [])])}</span>
    </p>
  );
}
