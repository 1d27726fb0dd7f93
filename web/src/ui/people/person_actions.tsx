import { hasDirectWith } from "@talkwire/client/parts";
import { MessageSquare } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { BlockButton } from "./block_button";

interface Props {
  userId: string;
  name: string;
  onDone: () => void;
}

/** Buttons to message and to block a person. Nobody writes to those they have blocked. */
export function PersonActions({ userId, name, onDone }: Props) {
  const { people } = useChat();
  const isMe = useChatState((state) => state.me.id === userId);
  const isBlocked = useChatState((state) => state.blocked.has(userId));
  const mayMessage = useChatState((state) => state.rights.createDirect || hasDirectWith(state.conversations, userId));
  const [problem, setProblem] = useState("");
  if (isMe) return <p className="note">{texts.people.thisIsYou}</p>;
  const talk = async (): Promise<void> => {
    setProblem("");
    try {
      goTo(await people.openDirect(userId));
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <>
      <div className="buttons">
        {mayMessage && !isBlocked && (
          <button type="button" className="primary" onClick={() => void talk()}>
            <MessageSquare className="icon" aria-hidden="true" /> {texts.message}
          </button>
        )}
        <BlockButton userId={userId} name={name} />
      </div>
      <p className="problem" role="alert">
        {problem}
      </p>
    </>
  );
}
