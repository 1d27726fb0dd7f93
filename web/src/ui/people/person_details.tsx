import type { User } from "@talkwire/client";
import type { ReactNode } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChatState } from "../page/chat_context";
import { usePresence } from "./avatar_with_presence";
import { LastSeen } from "./last_seen";
import { useUser } from "./use_user";
import "./person_details.css";

interface Props {
  userId: string;
  name: string;
  /** What the reader can do. */
  children?: ReactNode;
}

/**
 * A person's profile and presence, and whether the reader has blocked them. Of somebody whose account was deleted, only
 * that: there is nothing to do with them.
 */
export function PersonDetails({ userId, name, children }: Props) {
  const user = useUser(userId);
  const presence = usePresence(userId);
  const status = presence?.status ?? "offline";
  const isBlocked = useChatState((state) => state.blocked.has(userId));
  const isErased = useIsErased(userId, user);
  const shown = user?.name ?? name;
  // The profile may have been loaded before.
  if (isErased)
    return (
      <div className="person">
        <Avatar id={userId} name={name} />
        <h3>{name}</h3>
        <p className="note">{texts.people.wasErased}</p>
      </div>
    );
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
      {children}
      {isBlocked && <p className="note">{texts.people.isBlocked}</p>}
    </div>
  );
}

/** Returns whether a person's account was deleted: as their profile says, or before it is loaded, a conversation. */
export function useIsErased(userId: string, user: User | undefined): boolean {
  const isKnown = useChatState(({ conversations }) =>
    Object.values(conversations).some(({ members }) =>
      members?.some((member) => member.userId === userId && member.erased === true),
    ),
  );
  return isKnown || user?.erased === true;
}
