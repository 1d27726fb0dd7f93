import { useEffect, useRef } from "react";

interface Props {
  stream: MediaStream;
  label: string;
  /** What is not shown is heard all the same. */
  isShown: boolean;
  isOwn?: boolean;
}

/** What a camera sees; and what the other one's microphone hears. */
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
