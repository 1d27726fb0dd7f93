import { Check, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { playingTime } from "../files/playing_time";
import { RECORDING_MAX_MS, type Recording } from "../files/recording";

const labels = texts.voice;

interface Props {
  recording: Recording;
  onFinish: () => void;
  onCancel: () => void;
}

/** The bar of a recording in progress. */
export default function RunningRecording({ recording, onFinish, onCancel }: Props) {
  const [elapsedMs, setElapsed] = useState(0);
  const bar = useRef<HTMLFieldSetElement>(null);
  const finish = useRef(onFinish);
  finish.current = onFinish;
  useEffect(() => {
    const timer = setInterval(() => {
      setElapsed(recording.elapsedMs);
      if (recording.elapsedMs >= RECORDING_MAX_MS) finish.current();
    }, 250);
    return () => clearInterval(timer);
  }, [recording]);
  useEffect(() => bar.current?.querySelectorAll("button")[1]?.focus(), []);
  return (
    <fieldset
      className="recording"
      ref={bar}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onCancel();
      }}
    >
      <legend className="hidden">{labels.recording}</legend>
      <span className="hidden" role="status">
        {labels.recording}
      </span>
      <span className="on-air" aria-hidden="true" />
      <span className="elapsed">{playingTime(elapsedMs)}</span>
      <span className="limit">{labels.limit(playingTime(RECORDING_MAX_MS))}</span>
      <IconButton icon={Trash2} label={labels.cancel} onClick={onCancel} />
      <IconButton icon={Check} label={labels.finish} onClick={onFinish} />
    </fieldset>
  );
}
