import { useEffect, useRef } from "react";

interface Props {
  stream: MediaStream;
  label: string;
  /** A hidden video is still heard. */
  isShown: boolean;
  isOwn?: boolean;
}

/** The video of a camera, with the sound of the other user's microphone. */
export function CallVideo({ stream, label, isShown, isOwn = false }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = stream;
  }, [stream]);
  return (
    <video
      ref={video}
      className={isOwn ? "call-picture own" : "call-picture"}
      hidden={!isShown}
      aria-label={label}
      autoPlay
      playsInline
      muted={isOwn}
    />
  );
}
