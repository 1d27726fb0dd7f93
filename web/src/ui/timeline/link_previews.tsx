import type { LinkPreview, Message } from "@talkwire/client";
import { X } from "lucide-react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useFileUrl } from "../files/use_file_url";
import { useChat } from "../page/chat_context";
import "./link_previews.css";

interface Props {
  message: Message;
  previews: readonly LinkPreview[];
  isMine: boolean;
}

/** What the pages that a message links to say about themselves. Their pictures come from this server. */
export function LinkPreviews({ message, previews, isMine }: Props) {
  const { messages } = useChat();
  return (
    <div className="link-previews">
      {previews.map((preview) => (
        <Card key={preview.url} preview={preview} />
      ))}
      {isMine && (
        <IconButton icon={X} label={texts.removePreviews} onClick={() => void messages.removePreviews(message.id)} />
      )}
    </div>
  );
}

function Card({ preview: { url, title, description, siteName, image } }: { preview: LinkPreview }) {
  if (!/^https?:\/\//i.test(url)) return null;
  return (
    <a className="link-preview" href={url} target="_blank" rel="noopener noreferrer nofollow">
      <span className="site" dir="auto">
        {siteName !== undefined && `${siteName} · `}
        <bdi>{hostOf(url)}</bdi>
      </span>
      <strong dir="auto">{title}</strong>
      {description !== undefined && (
        <span className="says" dir="auto">
          {description}
        </span>
      )}
      {image !== undefined && <Picture path={image.url} width={image.width} height={image.height} />}
    </a>
  );
}

/** Returns the host, which is always shown: a page may call itself anything. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function Picture({ path, width, height }: { path: string; width: number; height: number }) {
  const { fileUrl, isMissing, onFailure } = useFileUrl(path);
  if (isMissing) return null;
  return (
    <img
      src={fileUrl}
      alt=""
      loading="lazy"
      decoding="async"
      style={{ aspectRatio: `${width} / ${height}` }}
      onError={onFailure}
    />
  );
}
