import type { Conversation } from "@talkwire/client";
import { Hash, Megaphone } from "lucide-react";
import { texts } from "../../texts";

/** The sign of a channel or a public conversation; nothing for others. */
export function KindIcon({ conversation }: { conversation: Conversation }) {
  const { kind } = conversation;
  if (kind === "direct" || (kind === "group" && !conversation.public)) return null;
  const Icon = conversation.public ? Hash : Megaphone;
  const label = conversation.public ? texts.places.publicKinds[kind] : texts.kinds[kind];
  return <Icon className="icon kind" role="img" aria-label={label} />;
}
