import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import "./avatar_with_presence.css";
import { usePresence } from "./use_presence";

interface Props {
  userId: string;
  name: string;
  picture?: string | undefined;
}

/** A user's picture with their presence, which has a shape of its own and not only a colour. */
export function AvatarWithPresence({ userId, name, picture }: Props) {
  const status = usePresence(userId)?.status ?? "offline";
  return (
    <span className="portrait">
      <Avatar id={userId} name={name} picture={picture} />
      {status !== "offline" && (
        <span
          className={`dot ${status}`}
          role="img"
          aria-label={texts.presence[status]}
          title={texts.presence[status]}
        />
      )}
    </span>
  );
}
