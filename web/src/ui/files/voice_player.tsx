import type { Attachment } from "@talkwire/client";
import { Pause, Play } from "lucide-react";
import { useRef, useState } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { MissingFile } from "./missing_file";
import { playingTime } from "./playing_time";
import { useFileUrl } from "./use_file_url";
import "./voice.css";

const SPEEDS = [1, 1.5, 2] as const;
const labels = texts.voice;

interface Props {
  file: Attachment;
  durationMs: number;
  waveform: readonly number[];
}

/** A voice message: its waveform is a slider, by pointer and arrow keys. */
export default function VoicePlayer({ file, durationMs, waveform }: Props) {
  const { fileUrl, isMissing, onFailure, retry } = useFileUrl(file.url);
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [atMs, setAt] = useState(0);
  const [speed, setSpeed] = useState<(typeof SPEEDS)[number]>(1);
  if (isMissing) return <MissingFile text={labels.missing} onRetry={retry} />;
  const toggle = (): void => {
    const { current } = audio;
    if (current === null) return;
    current.playbackRate = speed;
    if (isPlaying) current.pause();
    else void current.play().catch(() => setPlaying(false));
  };
  const seek = (ms: number): void => {
    setAt(ms);
    if (audio.current !== null) audio.current.currentTime = ms / 1_000;
  };
  const faster = (): void => {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1;
    setSpeed(next);
    if (audio.current !== null) audio.current.playbackRate = next;
  };
  return (
    <div className="voice">
      {/* biome-ignore lint/a11y/useMediaCaption: there is no text of what somebody said */}
      <audio
        ref={audio}
        src={fileUrl}
        preload="metadata"
        onError={() => {
          setPlaying(false);
          onFailure();
        }}
        onLoadedMetadata={({ currentTarget }) => {
          // It was loaded again in the middle.
          if (atMs > 0) currentTarget.currentTime = atMs / 1_000;
        }}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={({ currentTarget }) => setAt(currentTarget.currentTime * 1_000)}
        onEnded={() => setAt(0)}
      />
      <IconButton icon={isPlaying ? Pause : Play} label={isPlaying ? labels.pause : labels.play} onClick={toggle} />
      <span className="wave">
        <Bars waveform={waveform} done={atMs / Math.max(1, durationMs)} />
        <input
          type="range"
          min={0}
          max={durationMs}
          step={100}
          value={Math.min(atMs, durationMs)}
          aria-label={labels.position}
          aria-valuetext={labels.placeOf(playingTime(atMs), playingTime(durationMs))}
          onChange={({ target }) => seek(Number(target.value))}
        />
      </span>
      <span className="elapsed">{playingTime(isPlaying || atMs > 0 ? atMs : durationMs)}</span>
      <button type="button" className="speed" aria-label={labels.speed(speed)} onClick={faster}>
        {speed}×
      </button>
    </div>
  );
}

/** `done`: how much was played, from 0 to 1. */
function Bars({ waveform, done }: { waveform: readonly number[]; done: number }) {
  return (
    <svg viewBox={`0 0 ${waveform.length * 3} 100`} preserveAspectRatio="none" aria-hidden="true">
      {waveform.map((loudness, index) => {
        const height = Math.max(6, Math.min(100, loudness));
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: the bars of a recording never change their places
            key={index}
            className={index / waveform.length < done ? "played" : undefined}
            x={index * 3}
            y={(100 - height) / 2}
            width={2}
            height={height}
          />
        );
      })}
    </svg>
  );
}
