import { hasDirectWith } from "@talkwire/client/parts";
import { Ban, MessageSquare } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { goTo } from "../page_address";
import { LastSeen } from "./last_seen";
import { usePresence } from "./use_presence";
import { useUser } from "./use_user";
import "./person_details.css";

interface Props {
  userId: string;
  name: string;
  /** Whether to show a button that opens a conversation with them. */
  hasMessageButton: boolean;
  onDone?: () => void;
}

/** A person's profile and presence, with buttons to message and to block them. */
export function PersonDetails({ userId, name, hasMessageButton, onDone }: Props) {
  const user = useUser(userId);
  const presence = usePresence(userId);
  const status = presence?.status ?? "offline";
  const shown = user?.name ?? name;
  return (
    <div className="person">
      <Avatar id={userId} name={shown} picture={user?.avatar} />
      <h3>{shown}</h3>
      {user?.handle !== undefined && <p className="how">@{user.handle}</p>}
      {presence && (
        <p className="how">
          <span className={`dot ${status}`} />
          {texts.presence[status]}
          {status === "offline" && presence.lastSeenAt && (
            <>
              {" · "}
              <LastSeen at={presence.lastSeenAt} />
            </>
          )}
        </p>
      )}
      {presence?.text && <p className="status-text">{presence.text}</p>}
      {user?.text && <p className="about">{user.text}</p>}
      <PersonActions userId={userId} hasMessageButton={hasMessageButton} onDone={onDone} />
    </div>
  );
}

function PersonActions({
  userId,
  hasMessageButton,
  onDone,
}: Pick<Props, "userId" | "hasMessageButton"> & { onDone: (() => void) | undefined }) {
  const { people } = useChat();
  const isMe = useChatState((state) => state.me.id === userId);
  const isBlocked = useChatState((state) => state.blocked.has(userId));
  const mayMessage = useChatState((state) => state.rights.createDirect || hasDirectWith(state.conversations, userId));
  const [problem, setProblem] = useState("");
  if (isMe) return <p className="note">{texts.people.thisIsYou}</p>;
  const attempt = async (action: () => Promise<unknown>): Promise<void> => {
    setProblem("");
    try {
      await action();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const talk = async (): Promise<void> => {
    goTo(await people.openDirect(userId));
    onDone?.();
  };
  return (
    <>
      <div className="buttons">
        {hasMessageButton && mayMessage && (
          <button type="button" className="primary" onClick={() => void attempt(talk)}>
            <MessageSquare className="icon" aria-hidden="true" /> {texts.message}
          </button>
        )}
        <button
          type="button"
          className={isBlocked ? undefined : "danger"}
          onClick={() => void attempt(() => (isBlocked ? people.unblock(userId) : people.block(userId)))}
        >
          <Ban className="icon" aria-hidden="true" /> {isBlocked ? texts.people.unblock : texts.people.block}
        </button>
      </div>
      <p className="note">{isBlocked ? texts.people.isBlocked : ""}</p>
      <p className="problem" role="alert">
        {problem}
      </p>
    </>
  );
}
