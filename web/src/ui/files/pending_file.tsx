import type { PendingFile } from "@talkwire/client/parts";
import { AudioLines, Pause, Play, RotateCcw, Square, X } from "lucide-react";
import { useRef, useState } from "react";
import { readableSize } from "../../chat/files/file_size";
import { mayShrink } from "../../chat/files/smaller_picture";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import { FileIcon } from "./file_icon";
import { isFinal, problemText } from "./problem_text";
import { useObjectUrl } from "./use_object_url";
import "./pending_file.css";

/** An upload: its progress, and buttons to pause, resume and remove it. */
export function PendingFileView({ file, onRemove }: { file: PendingFile; onRemove: () => void }) {
  const { uploads } = useChat();
  const { id, name, type, size, sent, done, paused, problem, bytes, voice } = file;
  return (
    <div className={problem === null ? "pending-file" : "pending-file refused"}>
      <Preview bytes={bytes} type={type} />
      {voice !== undefined && bytes !== undefined && <Listen bytes={bytes} name={name} />}
      <div className="about">
        <span className="file-name" dir="auto">
          {name}
        </span>
        {problem === null ? (
          <span className="file-state">{stateOf(file)}</span>
        ) : (
          <span className="problem" role="alert">
            {problemText(file)}
          </span>
        )}
        {!done && problem === null && (
          <progress value={sent} max={Math.max(size, 1)} aria-label={texts.uploading(name)} />
        )}
        {mayBeSmaller(file) && (
          <label className="as-original reach">
            <input
              type="checkbox"
              aria-label={texts.originalOf(name)}
              checked={file.original === true}
              onChange={({ target }) => uploads.sendOriginal(id, target.checked)}
            />
            {texts.asOriginal}
          </label>
        )}
      </div>
      {problem !== null ? (
        !isFinal(file) && (
          <IconButton icon={RotateCcw} label={texts.retryUpload(name)} onClick={() => uploads.resume(id)} />
        )
      ) : paused && !done ? (
        <IconButton icon={Play} label={texts.resumeUpload(name)} onClick={() => uploads.resume(id)} />
      ) : (
        !done && <IconButton icon={Pause} label={texts.pauseUpload(name)} onClick={() => uploads.pause(id)} />
      )}
      <IconButton icon={X} label={texts.removeFile(name)} onClick={onRemove} />
    </div>
  );
}

/** Plays a recording before it is sent. */
function Listen({ bytes, name }: { bytes: Blob; name: string }) {
  const fileUrl = useObjectUrl(bytes);
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const toggle = (): void => {
    if (isPlaying) audio.current?.pause();
    else void audio.current?.play().catch(() => setPlaying(false));
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: the reader has just said it */}
      <audio
        ref={audio}
        src={fileUrl ?? undefined}
        aria-label={name}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
      />
      <IconButton
        icon={isPlaying ? Square : AudioLines}
        label={isPlaying ? texts.voice.pause : texts.voice.play}
        onClick={toggle}
      />
    </>
  );
}

function stateOf({ done, paused, stalled, sent, size, startedAs }: PendingFile): string {
  const amount = texts.uploadedOf(readableSize(sent), readableSize(size));
  if (done) return readableSize(size);
  if (paused) return `${texts.fileState.paused} · ${amount}`;
  if (stalled) return texts.fileState.stalled;
  return startedAs === null && sent === 0 ? texts.fileState.waiting : amount;
}

/** Returns whether the reader can choose between the original and a smaller version. */
function mayBeSmaller({ entryId, smaller, chosen, type, bytes }: PendingFile): boolean {
  return entryId === null && smaller !== null && bytes !== undefined && mayShrink(chosen?.type ?? type, bytes.size);
}

const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;

function Preview({ bytes, type }: { bytes: Blob | undefined; type: string }) {
  const fileUrl = useObjectUrl(SHOWN.test(type) ? bytes : undefined);
  const [isBroken, setBroken] = useState(false);
  return (
    <span className="preview">
      {fileUrl === null || isBroken ? (
        <FileIcon type={type} />
      ) : (
        <img src={fileUrl} alt="" onError={() => setBroken(true)} />
      )}
    </span>
  );
}
