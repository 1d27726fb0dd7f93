import { Ban } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { Confirmation } from "../components/confirmation";
import { useChat, useChatState } from "../page/chat_context";

interface Props {
  userId: string;
  name: string;
  className?: string;
}

/** Asks before it blocks a person. Unblocking acts at once. */
export function BlockButton({ userId, name, className = "" }: Props) {
  const { people, showNotice } = useChat();
  const isBlocked = useChatState((state) => state.blocked.has(userId));
  const [isAsking, setAsking] = useState(false);
  const unblock = (): void => {
    people.unblock(userId).catch((error: Error) => showNotice(error.message));
  };
  return (
    <>
      <button
        type="button"
        className={isBlocked ? className : `danger ${className}`}
        aria-haspopup={isBlocked ? undefined : "dialog"}
        onClick={isBlocked ? unblock : () => setAsking(true)}
      >
        <Ban className="icon" aria-hidden="true" /> {isBlocked ? texts.people.unblock : texts.people.block}
      </button>
      {isAsking && (
        <Confirmation
          title={texts.people.blockQuestion(name)}
          action={texts.people.block}
          onConfirm={() => people.block(userId)}
          onClose={() => setAsking(false)}
        >
          {texts.people.blocking}
        </Confirmation>
      )}
    </>
  );
}
