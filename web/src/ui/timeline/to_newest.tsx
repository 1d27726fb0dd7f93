import { ArrowDown } from "lucide-react";
import { texts } from "../../texts";
import { UnreadCount } from "../components/unread_count";
import "./to_newest.css";

interface Props {
  /** How many messages are unread. */
  unread: number;
  onClick: () => void;
}

/** A button above the end of a list that goes to its newest message. */
export function ToNewest({ unread, onClick }: Props) {
  return (
    <button type="button" className="to-newest" onClick={onClick}>
      <ArrowDown className="icon" aria-hidden="true" />
      <span className="to-newest-label">{texts.toNewest}</span>
      {unread > 0 && (
        <>
          {" "}
          <UnreadCount count={unread} />
        </>
      )}
    </button>
  );
}
