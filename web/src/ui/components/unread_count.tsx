import { texts } from "../../texts";

interface Props {
  count: number;
  /** How much it stands out: direct messages and mentions most, muted conversations least. */
  weight?: "urgent" | "usual" | "muted";
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
