import { Download } from "lucide-react";
import { readableSize } from "../../chat/files/file_size";
import { isPicture } from "../../chat/files/files";
import type { Attachment, Message } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { IconButton } from "../components/icon_button";
import { FileIcon } from "./file_icon";
import { Thumbnail } from "./thumbnail";
import { useFileUrl } from "./use_file_url";
import "./attachments.css";

/** A message's attachments: pictures, players for audio and video, and downloads. */
export function Attachments({ message }: { message: Message }) {
  const { attachments = [], conversationId } = message;
  const { files } = useChat();
  const pictures = attachments.filter(isPicture);
  return (
    <div className="attachments">
      {pictures.length > 0 && (
        <div className="pictures">
          {pictures.map((picture) => (
            <Thumbnail
              key={picture.url}
              picture={picture}
              onOpen={() => files.view(conversationId, picture, attachments)}
            />
          ))}
        </div>
      )}
      {attachments
        .filter((each) => !isPicture(each))
        .map((each) => (
          <FileView key={each.url} file={each} />
        ))}
    </div>
  );
}

function FileView({ file }: { file: Attachment }) {
  const { contentType = "", id } = file;
  // A file on another server is not loaded, since that server would learn who reads.
  if (id === undefined) return <Elsewhere file={file} />;
  if (contentType.startsWith("audio/")) return <Player file={file} kind="audio" />;
  if (contentType.startsWith("video/")) return <Player file={file} kind="video" />;
  return <FileCard file={file} />;
}

function FileCard({ file }: { file: Attachment }) {
  const { files } = useChat();
  const { name, contentType, size } = file;
  return (
    <div className="file-card">
      <FileIcon type={contentType} />
      <div className="about">
        <span className="file-name" title={name}>
          {name}
        </span>
        {size !== undefined && <span className="file-state">{readableSize(size)}</span>}
      </div>
      <IconButton icon={Download} label={texts.download(name)} onClick={() => void files.download(file)} />
    </div>
  );
}

function Player({ file, kind }: { file: Attachment; kind: "audio" | "video" }) {
  const { fileUrl, onFailure } = useFileUrl(file.url);
  const Media = kind;
  return (
    <div className="player">
      <Media controls preload="metadata" src={fileUrl} aria-label={file.name} onError={onFailure} />
      <FileCard file={file} />
    </div>
  );
}

function Elsewhere({ file: { url, name } }: { file: Attachment }) {
  const isWeb = /^https?:\/\//i.test(url);
  return (
    <div className="file-card">
      <FileIcon type={undefined} />
      <div className="about">
        {isWeb ? (
          <a className="file-name" href={url} target="_blank" rel="noopener noreferrer nofollow">
            {name}
          </a>
        ) : (
          <span className="file-name">{name}</span>
        )}
      </div>
    </div>
  );
}
