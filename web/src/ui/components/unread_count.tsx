import type { Conversation } from "@talkwire/client";
import { texts } from "../../texts";

/** How much it stands out: direct messages and mentions most, muted conversations least. */
type Weight = "urgent" | "usual" | "muted";

interface Props {
  count: number;
  weight?: Weight;
  /** How many of them mention the reader. */
  mentions?: number | undefined;
}

export function weightOf({ kind, muted, archived }: Conversation): Weight {
  if (muted || archived) return "muted";
  return kind === "direct" ? "urgent" : "usual";
}

/** A number of unread messages, after "@" where some mention the reader; nothing for 0. */
export function UnreadCount({ count, weight = "urgent", mentions = 0 }: Props) {
  return (
    <>
      {mentions > 0 && <Count look="mention" sign="@" words={texts.mentions(mentions)} />}
      {count > 0 && <Count look={weight} sign={count > 999 ? "999+" : `${count}`} words={texts.unread(count)} />}
    </>
  );
}

/** Screen readers say what it counts. */
function Count({ look, sign, words }: { look: string; sign: string; words: string }) {
  return (
    <>
      <span className={`count ${look}`} title={words} aria-hidden="true">
        {sign}
      </span>
      <span className="hidden">{words}</span>
    </>
  );
}
