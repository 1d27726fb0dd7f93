import type { Conversation } from "@talkwire/client";
import { Hash, type LucideIcon, Megaphone } from "lucide-react";
import { texts } from "../../texts";
import { Avatar } from "./avatar";
import { nameOf } from "./conversation_names";

/** The sign of a channel or a public conversation; null for others. */
export function signOf({ kind, public: isPublic }: Conversation): LucideIcon | null {
  if (kind === "direct" || (kind === "group" && !isPublic)) return null;
  return isPublic ? Hash : Megaphone;
}

/** The picture of a group or channel. Without a picture, it has the sign of the kind, or the initial. */
export function PlaceAvatar({ conversation }: { conversation: Conversation }) {
  const { id, avatar } = conversation;
  return <Avatar id={id} name={nameOf(conversation)} picture={avatar} isPlace sign={signOf(conversation)} />;
}

/** The sign of a channel or a public conversation, beside a picture; otherwise only its words, since the avatar has it. */
export function KindIcon({ conversation }: { conversation: Conversation }) {
  const { kind } = conversation;
  const Sign = signOf(conversation);
  if (Sign === null || kind === "direct") return null;
  const label = conversation.public ? texts.places.publicKinds[kind] : texts.kinds[kind];
  if (conversation.avatar === undefined) return <span className="hidden">{label}</span>;
  return <Sign className="icon kind" role="img" aria-label={label} />;
}
