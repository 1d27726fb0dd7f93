import { Maximize2, Mic, MicOff, Minimize2, PhoneOff, Video, VideoOff } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { CallState } from "../../chat/calls/call_state";
import { texts } from "../../texts";
import { useChat } from "../context";
import { Avatar } from "../parts/avatar";
import { IconButton } from "../parts/icon_button";
import { Duration } from "./duration";
import { Picture } from "./picture";

type Shown = Exclude<CallState, { phase: "idle" | "incoming" }>;

interface Props {
  state: Shown;
  name: string;
  /** Whose picture it is, where there is no camera. */
  face: string;
}

/** The call as it goes on, beside everything else: one can write meanwhile. */
export function CallWindow({ state, name, face }: Props) {
  const [isLarge, setLarge] = useState(false);
  const frame = useFocus();
  const isOver = state.phase === "over";
  return (
    <section
      ref={frame}
      className={isLarge && !isOver ? "call large" : "call"}
      tabIndex={-1}
      aria-label={texts.calls.region(name)}
    >
      <header>
        <strong>{name}</strong>
        {state.phase === "talking" && <Duration since={state.since} />}
        {!isOver && (
          <IconButton
            icon={isLarge ? Minimize2 : Maximize2}
            label={isLarge ? texts.calls.shrink : texts.calls.enlarge}
            onClick={() => setLarge(!isLarge)}
          />
        )}
      </header>
      {!isOver && <Pictures name={name} face={face} />}
      <Says state={state} name={name} />
      {isOver ? <Afterwards state={state} /> : <Controls />}
    </section>
  );
}

/** The window gets the focus, and gives it back. */
function useFocus() {
  const frame = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    frame.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return frame;
}

function Pictures({ name, face }: Omit<Props, "state">) {
  const media = useStore(useChat().calls.media, (each) => each.media);
  return (
    <div className="call-pictures">
      {media?.remote && (
        <Picture stream={media.remote} label={texts.calls.pictureOf(name)} isShown={media.otherHasCamera} />
      )}
      {media?.otherHasCamera !== true && <Avatar id={face} name={name} />}
      {media?.hasCamera && <Picture stream={media.local} label={texts.calls.yourPicture} isShown isOwn />}
    </div>
  );
}

/** How it stands, said to who cannot see it too. */
function Says({ state, name }: Omit<Props, "face">) {
  const { media, problem } = useStore(useChat().calls.media);
  const says = texts.calls;
  let text: string;
  if (state.phase === "over") text = says.ended[state.ending]?.(name, state.detail) ?? state.detail;
  else if (media?.isInterrupted) text = says.interrupted;
  else if (state.phase === "talking" && media?.otherIsMuted) text = says.otherIsMuted(name);
  else text = says.phase[state.phase];
  return (
    <>
      <p className="says" role="status">
        {text}
      </p>
      <p className="problem" role="alert">
        {problem !== null && says.noCamera}
      </p>
    </>
  );
}

function Controls() {
  const { calls } = useChat();
  const media = useStore(calls.media, (each) => each.media);
  const says = texts.calls;
  const isMuted = media?.isMuted === true;
  const hasCamera = media?.hasCamera === true;
  return (
    <div className="controls">
      <IconButton
        icon={isMuted ? MicOff : Mic}
        label={isMuted ? says.unmute : says.mute}
        className={isMuted ? "off" : undefined}
        disabled={media === null}
        onClick={() => calls.setMuted(!isMuted)}
      />
      <IconButton
        icon={hasCamera ? Video : VideoOff}
        label={hasCamera ? says.cameraOff : says.cameraOn}
        className={hasCamera ? undefined : "off"}
        disabled={media === null}
        onClick={() => void calls.setCamera(!hasCamera)}
      />
      <IconButton icon={PhoneOff} label={says.hangUp} className="danger" onClick={() => calls.leave()} />
    </div>
  );
}

function Afterwards({ state }: { state: Extract<CallState, { phase: "over" }> }) {
  const { calls } = useChat();
  const { ending, call } = state;
  return (
    <div className="buttons">
      {ending !== "hung-up" && ending !== "insecure" && (
        <button type="button" onClick={() => void calls.dial(call.conversationId, call.withVideo)}>
          {ending === "missed" ? texts.calls.back : texts.calls.again}
        </button>
      )}
      <button type="button" className="quiet" onClick={() => calls.leave()}>
        {texts.close}
      </button>
    </div>
  );
}
