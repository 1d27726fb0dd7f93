import { Check, Mic, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Calls } from "../../chat/calls/calls";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { playingTime } from "../files/playing_time";
import { canRecord, RECORDING_MAX_MS, Recording } from "../files/recording";
import { useChat } from "../page/chat_context";
import type { RecordingState } from "./use_recording";
import "../files/voice.css";

const labels = texts.voice;

/** A button that records a voice message, and the bar of the recording. */
export function VoiceRecorder({ state }: { state: RecordingState }) {
  const { recording, problem, begin, fail, finish, cancel, isTapTooMany } = state;
  const { calls } = useChat();
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  if (!canRecord) return null;
  const start = async (): Promise<void> => {
    if (isTapTooMany()) return;
    fail(isCalling(calls) ? labels.inCall : "");
    if (isCalling(calls)) return;
    try {
      const started = await Recording.start();
      if (isGone.current || isCalling(calls)) started.cancel();
      else begin(started);
    } catch {
      fail(labels.noMicrophone);
    }
  };
  return (
    <>
      <IconButton
        icon={Mic}
        label={labels.record}
        className="record"
        disabled={recording !== null}
        onClick={() => void start()}
      />
      {recording && <Running recording={recording} onFinish={() => void finish()} onCancel={cancel} />}
      {problem !== "" && (
        <p className="problem voice-problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

/** Whether the reader is in a call, of which a recording would have their side. */
function isCalling({ state }: Calls): boolean {
  const { phase } = state.getState();
  return phase === "outgoing" || phase === "joining" || phase === "talking";
}

interface RunningProps {
  recording: Recording;
  onFinish: () => void;
  onCancel: () => void;
}

function Running({ recording, onFinish, onCancel }: RunningProps) {
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
