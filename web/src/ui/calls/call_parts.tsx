import { Mic, MicOff, PhoneOff, Video, VideoOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import type { CallState } from "../../chat/calls/call_state";
import { texts } from "../../texts";
import { clockTime } from "../../time_format";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";

/** A call that does not ring here. */
export type ShownCall = Exclude<CallState, { phase: "idle" | "incoming" }>;

/** Returns what the reader should know about a call: how it ended, or what is different from a plain talk. */
export function useCallStatus(state: ShownCall, name: string): string {
  const { media } = useStore(useChat().calls.media);
  const labels = texts.calls;
  if (state.phase === "over") return labels.ended[state.ending]?.(name, state.detail) ?? state.detail;
  if (media?.isInterrupted) return labels.interrupted;
  if (state.phase === "talking" && media?.otherPicture === "screen") return labels.otherShares(name);
  if (state.phase === "talking" && media?.picture === "screen") return labels.youShare(name);
  if (state.phase === "talking" && media?.otherIsMuted) return labels.otherIsMuted(name);
  return labels.phase[state.phase];
}

export function MuteButton() {
  const { calls } = useChat();
  const media = useStore(calls.media, (each) => each.media);
  const isMuted = media?.isMuted === true;
  return (
    <IconButton
      icon={isMuted ? MicOff : Mic}
      label={isMuted ? texts.calls.unmute : texts.calls.mute}
      className={isMuted ? "off" : undefined}
      disabled={media === null}
      onClick={() => calls.setMuted(!isMuted)}
    />
  );
}

export function CameraButton() {
  const { calls } = useChat();
  const media = useStore(calls.media, (each) => each.media);
  const hasCamera = media?.picture === "camera";
  return (
    <IconButton
      icon={hasCamera ? Video : VideoOff}
      label={hasCamera ? texts.calls.cameraOff : texts.calls.cameraOn}
      className={hasCamera ? undefined : "off"}
      disabled={media === null}
      onClick={() => void calls.setCamera(!hasCamera)}
    />
  );
}

export function HangUpButton() {
  const { calls } = useChat();
  return <IconButton icon={PhoneOff} label={texts.calls.hangUp} className="danger" onClick={() => calls.leave()} />;
}

/** How long the call has lasted. Screen readers do not announce each second. */
export function Duration({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="duration" role="timer" aria-live="off" aria-label={texts.calls.duration}>
      {clockTime(Math.max(0, now - since))}
    </span>
  );
}
