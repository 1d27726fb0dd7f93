import type { Attachment, Message } from "@talkwire/client";
import { Download, RotateCw } from "lucide-react";
import { type CSSProperties, useState } from "react";
import { readableSize } from "../../chat/files/file_size";
import { isPicture } from "../../chat/files/files";
import { extensionOf, isText } from "../../chat/files/text_preview";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { FileIcon } from "./file_icon";
import { type Size, Thumbnail } from "./thumbnail";
import { useFileUrl } from "./use_file_url";
import "./attachments.css";

const TextDialog = lazyPart(() => import("./text_dialog"));
const VoicePlayer = lazyPart(() => import("./voice_player"), "place");

/** In pixels of CSS. The controls need the least width. */
const FILM_MIN_WIDTH = 240;
const FILM_MAX_WIDTH = 420;
const FILM_MAX_HEIGHT = 420;

/** A message's attachments: pictures, players for audio and video, and downloads. */
export function Attachments({ message }: { message: Message }) {
  const { attachments = [] } = message;
  const { files } = useChat();
  const pictures = attachments.filter(isPicture);
  return (
    <div className="attachments">
      {pictures.length > 0 && (
        <div className={pictures.length > 1 ? `pictures mosaic ${mosaicOf(pictures.length)}` : "pictures"}>
          {pictures.map((picture, index) => (
            <Thumbnail
              key={picture.url}
              picture={picture}
              place={placeOf(pictures.length, index)}
              onOpen={() => files.view(message, picture)}
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

/** Returns the class of a mosaic: how many pictures are in its first row, which are larger than the others. */
function mosaicOf(count: number): string {
  const inFirstRow = count % 3 === 0 && count > 3 ? 3 : count % 3;
  return count === 4 ? "rows-of-two" : inFirstRow === 1 ? "one-first" : inFirstRow === 2 ? "two-first" : "";
}

/** Returns the size of a picture in a mosaic, where attachments.css has its largest width; undefined for one alone. */
function placeOf(count: number, index: number): Size | undefined {
  const mosaic = mosaicOf(count);
  if (count === 1) return undefined;
  if (mosaic === "one-first" && index === 0) return { width: 420, height: 237 };
  const side = mosaic === "rows-of-two" || (mosaic === "two-first" && index < 2) ? 209 : 138;
  return { width: side, height: side };
}

function FileView({ file }: { file: Attachment }) {
  const { contentType = "", id } = file;
  // A file on another server is not loaded, since that server would learn who reads.
  if (id === undefined) return <Elsewhere file={file} />;
  const { durationMs, waveform = [] } = file;
  if (contentType.startsWith("audio/") && durationMs !== undefined && waveform.length > 0)
    return (
      <VoicePlayer fallback={<div className="voice-place" />} file={file} durationMs={durationMs} waveform={waveform} />
    );
  if (contentType.startsWith("audio/")) return <Player file={file} kind="audio" />;
  if (contentType.startsWith("video/")) return <Player file={file} kind="video" />;
  return <FileCard file={file} />;
}

function FileCard({ file }: { file: Attachment }) {
  const { files } = useChat();
  const { name, contentType, size } = file;
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="file-card">
      <FileIcon type={contentType} />
      <div className="about">
        {isText(file) ? (
          <button
            type="button"
            className="link file-name reach"
            title={texts.textFile.show(name)}
            onClick={() => setOpen(true)}
          >
            {name}
          </button>
        ) : (
          <span className="file-name" dir="auto" title={name}>
            {name}
          </span>
        )}
        <span className="file-state">
          {[extensionOf(name), size === undefined ? "" : readableSize(size)].filter(Boolean).join(" · ")}
        </span>
      </div>
      <IconButton icon={Download} label={texts.download(name)} onClick={() => void files.download(file)} />
      {isOpen && <TextDialog file={file} onClose={() => setOpen(false)} />}
    </div>
  );
}

function Player({ file, kind }: { file: Attachment; kind: "audio" | "video" }) {
  const { files } = useChat();
  const { fileUrl, isMissing, attempt, onFailure, retry } = useFileUrl(file.url);
  const connected = useChatState((state) => state.connected);
  const media = { controls: true, preload: "metadata", "aria-label": file.name, onError: onFailure } as const;
  return (
    <figure className="player">
      {kind === "audio" ? (
        <audio key={attempt} src={fileUrl} {...media} />
      ) : (
        // Browsers that show no frame before it is played show the one at this time.
        <video key={attempt} src={`${fileUrl}#t=0.1`} style={frameOf(file)} {...media} />
      )}
      <figcaption>
        <span className="file-name" dir="auto" title={file.name}>
          {file.name}
        </span>
        {file.size !== undefined && <span className="file-state">{readableSize(file.size)}</span>}
        {isMissing && connected && <IconButton icon={RotateCw} label={texts.retry} onClick={retry} />}
        <IconButton icon={Download} label={texts.download(file.name)} onClick={() => void files.download(file)} />
      </figcaption>
    </figure>
  );
}

/** Returns the place of a film before it is loaded; undefined without its size, which the sender's client measured. */
function frameOf({ width, height }: Attachment): CSSProperties | undefined {
  if (width === undefined || height === undefined) return undefined;
  const shown = Math.max(FILM_MIN_WIDTH, Math.min(FILM_MAX_WIDTH, (FILM_MAX_HEIGHT * width) / height));
  return { width: Math.round(shown), aspectRatio: `${width} / ${height}` };
}

function Elsewhere({ file: { url, name } }: { file: Attachment }) {
  const isWeb = /^https?:\/\//i.test(url);
  return (
    <div className="file-card">
      <FileIcon type={undefined} />
      <div className="about">
        {isWeb ? (
          <a className="file-name" dir="auto" href={url} target="_blank" rel="noopener noreferrer nofollow">
            {name}
          </a>
        ) : (
          <span className="file-name" dir="auto">
            {name}
          </span>
        )}
      </div>
    </div>
  );
}
