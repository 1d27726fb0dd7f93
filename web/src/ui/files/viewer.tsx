import type { Attachment } from "@talkwire/client";
import { ChevronLeft, ChevronRight, Download, X, ZoomIn, ZoomOut } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import type { Viewing } from "../../chat/files/files";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { IconButton } from "../components/icon_button";
import { stepOf } from "../keyboard/direction";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useBackCloses } from "../layers/use_back_closes";
import { useFileUrl } from "./use_file_url";
import "./viewer.css";

const labels = texts.viewer;

/** Pictures in full size, in front of everything else. */
export default function Viewer({ viewing: { pictures, index } }: { viewing: Viewing }) {
  const { files } = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOriginal, setOriginal] = useState(false);
  const picture = pictures[index];
  useBackCloses(true, () => files.close());
  useFocusUntilClosed(() => dialog.current?.showModal());
  const pressed = (event: KeyboardEvent): void => {
    // Arrow keys scroll a picture that is larger than the window.
    const step = stepOf(event.key);
    if (isOriginal || step === 0) return;
    event.preventDefault();
    files.step(step);
  };
  if (picture === undefined) return null;
  return (
    <dialog
      ref={dialog}
      className={isOriginal ? "viewer original" : "viewer"}
      aria-label={labels.title}
      onClose={() => files.close()}
      onKeyDown={pressed}
    >
      <header>
        <p aria-live="polite">
          <span className="file-name">{picture.name}</span>
          {pictures.length > 1 && <span className="place">{labels.place(index + 1, pictures.length)}</span>}
        </p>
        <IconButton
          icon={isOriginal ? ZoomOut : ZoomIn}
          label={isOriginal ? labels.fit : labels.original}
          onClick={() => setOriginal(!isOriginal)}
        />
        <IconButton icon={Download} label={texts.download(picture.name)} onClick={() => void files.download(picture)} />
        <IconButton icon={X} label={texts.close} onClick={() => dialog.current?.close()} />
      </header>
      <div className="stage">
        <IconButton
          icon={ChevronLeft}
          label={labels.previous}
          className="previous"
          disabled={index === 0}
          onClick={() => files.step(-1)}
        />
        <FullPicture key={picture.url} picture={picture} />
        <IconButton
          icon={ChevronRight}
          label={labels.next}
          className="next"
          disabled={index === pictures.length - 1}
          onClick={() => files.step(1)}
        />
      </div>
    </dialog>
  );
}

function FullPicture({ picture: { url, name, width, height } }: { picture: Attachment }) {
  const { fileUrl, isMissing, onFailure } = useFileUrl(url);
  if (isMissing) return <p className="note">{texts.pictureMissing}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling element has to be reachable by keyboard
    <div className="frame" tabIndex={0}>
      <img src={fileUrl} alt={name} width={width} height={height} onError={onFailure} />
    </div>
  );
}
