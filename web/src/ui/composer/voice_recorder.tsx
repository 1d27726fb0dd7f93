import { Mic } from "lucide-react";
import { useEffect, useRef } from "react";
import type { Calls } from "../../chat/calls/calls";
import { repeatable } from "../../repeatable_import";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import type { RecordingState } from "./use_recording";
import "../files/voice.css";

const labels = texts.voice;
const canRecord = "MediaRecorder" in globalThis && navigator.mediaDevices !== undefined;

/** Both are loaded when the reader records for the first time. */
const loadRecording = repeatable(() => import("../files/recording"));
const RunningRecording = lazyPart(() => import("./running_recording"), "place");

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
    const loaded = await loadRecording().catch(() => undefined);
    if (loaded === undefined) return fail(texts.parts.failed);
    try {
      const started = await loaded.Recording.start();
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
      {recording && <RunningRecording recording={recording} onFinish={() => void finish()} onCancel={cancel} />}
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
