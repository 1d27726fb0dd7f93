import { useEffect, useRef } from "react";

interface Props {
  stream: MediaStream;
  label: string;
  /** A hidden video is still heard. */
  isShown: boolean;
  isOwn?: boolean;
  isScreen?: boolean;
  /** The id of the speaker; empty: the browser's choice. */
  speaker?: string;
}

/** The video of a camera or screen, with the sound of the other user's microphone. */
export function CallVideo({ stream, label, isShown, isOwn = false, isScreen = false, speaker = "" }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = stream;
  }, [stream]);
  useEffect(() => {
    // Not all browsers let a page choose. A speaker that is gone leaves the sound where it is.
    video.current?.setSinkId?.(speaker).catch(() => undefined);
  }, [speaker]);
  const place = isOwn ? " own" : "";
  return (
    <video
      ref={video}
      className={`call-picture${place}${isScreen ? " shared-screen" : ""}`}
      hidden={!isShown}
      aria-label={label}
      autoPlay
      playsInline
      muted={isOwn}
    />
  );
}
