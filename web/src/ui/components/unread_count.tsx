import type { Conversation } from "@talkwire/client";
import { texts } from "../../texts";

/** How much it stands out: direct messages and mentions most, muted conversations least. */
type Weight = "urgent" | "usual" | "muted";

interface Props {
  count: number;
  weight?: Weight;
}

export function weightOf({ kind, muted, archived }: Conversation): Weight {
  if (muted || archived) return "muted";
  return kind === "direct" ? "urgent" : "usual";
}

/** A number of unread messages. Screen readers say what it counts. */
export function UnreadCount({ count, weight = "urgent" }: Props) {
  const words = texts.unread(count);
  return (
    <>
      <span className={`count ${weight}`} title={words} aria-hidden="true">
        {count > 999 ? "999+" : count}
      </span>
      <span className="hidden">{words}</span>
    </>
  );
}
