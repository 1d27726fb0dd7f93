import { texts } from "../../texts";

/** A number of unread messages. Screen readers say what it counts. */
export function UnreadCount({ count, isMuted = false }: { count: number; isMuted?: boolean }) {
  const words = texts.unread(count);
  return (
    <>
      <span className={isMuted ? "count muted" : "count"} title={words} aria-hidden="true">
        {count > 999 ? "999+" : count}
      </span>
      <span className="hidden">{words}</span>
    </>
  );
}
