import type { LucideIcon } from "lucide-react";
import { type CSSProperties, useContext, useState } from "react";
import { portraitColour } from "../../chat/people/portrait_colour";
import { ChatContext } from "../page/chat_context";

interface Props {
  id: string;
  name: string;
  /** The picture's path on this server; pictures of other servers are not loaded. */
  picture?: string | undefined;
  /** Whether it is of a group or channel: a square, while people are round. */
  isPlace?: boolean;
  /** Stands in the place of the initial. */
  sign?: LucideIcon | null | undefined;
}

/**
 * A picture of a user or a conversation, or the initial on a colour of its own. The name is beside it, so it is hidden from
 * screen readers.
 */
export function Avatar({ id, name, picture, isPlace = false, sign: Sign = null }: Props) {
  const initial = [...name.trim()][0] ?? "?";
  return (
    <span
      className={isPlace ? "avatar place" : "avatar"}
      aria-hidden="true"
      style={{ "--own-colour": portraitColour(id) } as CSSProperties}
    >
      {Sign === null ? initial.toUpperCase() : <Sign className="icon" />}
      {picture?.startsWith("/") && <Picture key={picture} path={picture} />}
    </span>
  );
}

/** Covers the initial as soon as it is loaded, unless it cannot be shown. */
function Picture({ path }: { path: string }) {
  const files = useContext(ChatContext)?.files;
  const [fileUrl, setFileUrl] = useState(() => files?.urlOf(path));
  const [isRenewed, setRenewed] = useState(false);
  if (files === undefined || fileUrl === undefined) return null;
  const failed = async (): Promise<void> => {
    setFileUrl(undefined);
    // Does not retry forever.
    if (isRenewed) return;
    setRenewed(true);
    const renewed = await files.renewedUrlOf(path).catch(() => fileUrl);
    // The browser would not load the same URL again.
    if (renewed !== fileUrl) setFileUrl(renewed);
  };
  return <img src={fileUrl} alt="" draggable={false} onError={() => void failed()} />;
}
