import { useEffect, useEffectEvent, useRef, useState } from "react";
import { texts } from "../../texts";
import type { Recording } from "../files/recording";
import { byTouch } from "../keyboard/focus";
import { useCallCloses } from "../page/use_call_closes";
import { useQuestionBeforeLeaving } from "../page/use_question_before_leaving";
import type { ComposerState } from "./use_composer";

/** Milliseconds in which a further tap is meant for the button that was tapped before. */
const TAPS_MS = 1_000;

export interface RecordingState {
  readonly recording: Recording | null;
  /** Whether a recording has ended whose file is not at the composer yet. */
  readonly isEnding: boolean;
  /** Why there is no recording; empty otherwise. */
  readonly problem: string;
  readonly begin: (recording: Recording) => void;
  readonly fail: (problem: string) => void;
  /** Ends the recording, and hands over its file. Returns whether there is one. */
  readonly finish: () => Promise<boolean>;
  /** Sends the message, with what is being recorded. */
  readonly send: () => void;
  /** Whether a tap is one too many on the button to send, whose place on a touch screen the microphone has afterwards. */
  readonly isTapTooMany: () => boolean;
  /** Ends the recording, and throws it away. */
  readonly cancel: () => void;
}

/**
 * The recording of a composer. It becomes a file, also when the reader leaves the conversation meanwhile, or is in a call,
 * which would be recorded with it.
 */
export function useRecording({ edited, keep, send }: ComposerState): RecordingState {
  const [recording, setRecording] = useState<Recording | null>(null);
  const [isEnding, setEnding] = useState(false);
  const [problem, setProblem] = useState("");
  const finish = async (): Promise<boolean> => {
    setRecording(null);
    setEnding(true);
    try {
      const file = await recording?.finish();
      if (file !== undefined) keep(file);
      return file !== undefined;
    } catch {
      setProblem(texts.voice.failed);
      return false;
    } finally {
      setEnding(false);
    }
  };
  useCallCloses(() => recording !== null && void finish());
  // The browser waits for no file when the page ends.
  useQuestionBeforeLeaving(recording !== null);
  const leave = useEffectEvent(() => void finish());
  useEffect(() => () => leave(), []);
  // The message has its file one rendering later.
  const [isSending, setSending] = useState(false);
  const sendNow = useEffectEvent(send);
  const tappedAt = useRef(Number.NEGATIVE_INFINITY);
  const sinceTap = (): number => {
    const before = tappedAt.current;
    tappedAt.current = performance.now();
    return tappedAt.current - before;
  };
  useEffect(() => {
    if (!isSending) return;
    setSending(false);
    sendNow();
  }, [isSending]);
  return {
    recording,
    isEnding,
    problem,
    begin: setRecording,
    fail: setProblem,
    finish,
    isTapTooMany: () => byTouch && sinceTap() < TAPS_MS,
    send: () => {
      sinceTap();
      if (recording === null || edited !== null) send();
      else void finish().then(setSending);
    },
    cancel: () => {
      recording?.cancel();
      setRecording(null);
    },
  };
}
