import type { Attachment } from "@talkwire/client";
import { ChevronLeft, ChevronRight, Download, X, ZoomIn, ZoomOut } from "lucide-react";
import { type CSSProperties, type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import type { Viewing } from "../../chat/files/files";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { IconButton } from "../components/icon_button";
import { stepOf } from "../keyboard/direction";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useChat } from "../page/chat_context";
import { useBackCloses } from "../page/use_back_closes";
import { useCallCloses } from "../page/use_call_closes";
import { useLeaving } from "../page/use_leaving";
import { MissingFile } from "./missing_file";
import { useFileUrl } from "./use_file_url";
import { type Spot, usePictureGestures } from "./use_picture_gestures";
import { zoom } from "./zoom";
import "./viewer.css";

const labels = texts.viewer;

/** Pictures in full size, in front of everything else. */
export default function Viewer({ viewing: { pictures, index, among } }: { viewing: Viewing }) {
  const { files } = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOriginal, setOriginal] = useState(false);
  const shown = pictures[index];
  useBackCloses(true, () => files.close());
  useCallCloses(() => files.close());
  const [opener] = useState(document.activeElement);
  useFocusUntilClosed(() => {
    if (dialog.current === null) return;
    dialog.current.showModal();
    zoom(dialog.current, opener, "in");
  });
  useLeaving(dialog, (copy) => zoom(copy, opener, "out"));
  const pressed = (event: KeyboardEvent): void => {
    // Arrow keys scroll a picture that is larger than the window.
    const step = stepOf(event.key);
    if (isOriginal || step === 0) return;
    event.preventDefault();
    files.step(step);
  };
  if (shown === undefined) return null;
  const { file: picture, sender, createdAt } = shown;
  return (
    <dialog
      ref={dialog}
      className={isOriginal ? "viewer original" : "viewer"}
      aria-label={labels.title}
      onCancel={(event) => {
        // A closed dialog could not fade.
        event.preventDefault();
        files.close();
      }}
      onClose={() => files.close()}
      onKeyDown={pressed}
    >
      <header>
        <p aria-live="polite">
          <span className="file-name" dir="auto">
            {picture.name}
          </span>
          {pictures.length > 1 && <span className="place">{labels.place[among](index + 1, pictures.length)}</span>}
          <span className="sent file-name">
            <bdi>{sender.name}</bdi> · <time dateTime={createdAt}>{fullTime(createdAt)}</time>
          </span>
        </p>
        <IconButton
          icon={isOriginal ? ZoomOut : ZoomIn}
          label={isOriginal ? labels.fit : labels.original}
          onClick={() => setOriginal(!isOriginal)}
        />
        <IconButton icon={Download} label={texts.download(picture.name)} onClick={() => void files.download(picture)} />
        <IconButton icon={X} label={texts.close} onClick={() => files.close()} />
      </header>
      <div className="stage">
        <IconButton
          icon={ChevronLeft}
          label={labels.previous}
          className="previous"
          disabled={index === 0}
          onClick={() => files.step(-1)}
        />
        <FullPicture
          key={picture.url}
          picture={picture}
          isOriginal={isOriginal}
          onOriginal={setOriginal}
          onStep={(by) => files.step(by)}
          onClose={() => files.close()}
        />
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

interface PictureProps {
  picture: Attachment;
  isOriginal: boolean;
  onOriginal: (isOriginal: boolean) => void;
  onStep: (by: 1 | -1) => void;
  onClose: () => void;
}

function FullPicture({ picture, isOriginal, onOriginal, onStep, onClose }: PictureProps) {
  const { url, name, width, height } = picture;
  const { fileUrl, isMissing, onFailure, retry } = useFileUrl(url);
  const frame = useRef<HTMLDivElement>(null);
  /** What stays in its place when the picture gets its original size: the middle, or where the reader has tapped. */
  const kept = useRef<{ readonly of: Spot; readonly at: Spot } | null>(null);
  const settle = (): void => {
    const scroller = frame.current;
    const image = scroller?.querySelector("img")?.getBoundingClientRect();
    if (!isOriginal || scroller === null || image === undefined) return;
    const { of, at } = kept.current ?? { of: { x: 0.5, y: 0.5 }, at: middleOf(scroller) };
    kept.current = null;
    scroller.scrollBy({
      left: image.left + of.x * image.width - at.x,
      top: image.top + of.y * image.height - at.y,
      behavior: "instant",
    });
  };
  useLayoutEffect(settle, [isOriginal]);
  const gestures = usePictureGestures({
    isScrolling: isOriginal,
    onStep,
    onClose,
    onDoubleTap: (at) => {
      const image = frame.current?.querySelector("img")?.getBoundingClientRect();
      if (image === undefined) return;
      const partOf = (from: number, size: number, value: number) => Math.min(1, Math.max(0, (value - from) / size));
      const of = { x: partOf(image.left, image.width, at.x), y: partOf(image.top, image.height, at.y) };
      kept.current = isOriginal ? null : { of, at };
      onOriginal(!isOriginal);
    },
  });
  if (isMissing) return <MissingFile text={texts.pictureMissing} onRetry={retry} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling element has to be reachable by keyboard
    <div className="frame" ref={frame} tabIndex={0} {...gestures}>
      <img
        src={fileUrl}
        alt={name}
        data-url={url}
        width={width}
        height={height}
        style={{ "--width": width, "--height": height } as CSSProperties}
        draggable={false}
        onLoad={settle}
        onError={onFailure}
      />
    </div>
  );
}

function middleOf(element: Element): Spot {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { x: left + width / 2, y: top + height / 2 };
}
