import { ChevronDown, Maximize2, Minimize2, ScreenShare, ScreenShareOff, Settings2 } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useStore } from "zustand";
import type { CallState, Ending } from "../../chat/calls/call_state";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { IconButton } from "../components/icon_button";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useChat } from "../page/chat_context";
import { useBackCloses } from "../page/use_back_closes";
import { little, useMedia } from "../page/use_media";
import { useQuestionBeforeLeaving } from "../page/use_question_before_leaving";
import { CallBar } from "./call_bar";
import { CallDevicesForm } from "./call_devices_form";
import { CameraButton, Duration, HangUpButton, MuteButton, type ShownCall, useCallStatus } from "./call_parts";
import { CallVideo } from "./call_video";
import { useFrontDialog } from "./use_front_dialog";

interface Props {
  state: ShownCall;
  name: string;
  /** The id for the avatar when there is no camera. */
  face: string;
  /** The path of the other user's picture. */
  picture: string | undefined;
  /** Whether it is the picture of a group. */
  isPlace: boolean;
}

/** Browsers on phones cannot share a screen. */
const CAN_SHARE = navigator.mediaDevices?.getDisplayMedia !== undefined;

/** After these endings, another call has no sense or no chance. */
const FINAL_ENDINGS: ReadonlySet<Ending> = new Set(["blocked", "hung-up", "insecure"]);

/** Small is a line above the page; it exists where the call would cover most of it. */
type Size = "small" | "normal" | "large";

/** The current call, beside everything else, so that the reader can write meanwhile. */
export function CallWindow({ state, name, face, picture, isPlace }: Props) {
  const { calls } = useChat();
  const [size, setSize] = useState<Size>("normal");
  const [speaker, setSpeaker] = useState(() => calls.devices.chosen.audiooutput ?? "");
  const frame = useRef<HTMLElement>(null);
  useFocusUntilClosed(() => frame.current?.focus());
  const isOver = state.phase === "over";
  const isSmall = size === "small" && !isOver;
  const isLarge = size === "large" && !isOver;
  const isLittle = useMedia(little);
  const dialog = useFrontDialog();
  const wasIn = useDialogDuring(!isOver, dialog);
  // Behind a dialog, nobody would see that.
  useBackCloses(isLittle && !isOver && !isSmall && dialog === null, () => setSize("small"));
  useEscapeShrinks(isLarge && dialog === null, () => setSize("normal"));
  useQuestionBeforeLeaving(state.phase === "joining" || state.phase === "talking");
  return (
    <section
      ref={frame}
      className={`call ${isOver ? "over" : size}`}
      tabIndex={-1}
      aria-label={texts.calls.region(name)}
    >
      <header>
        <strong dir="auto">{name}</strong>
        {state.phase === "talking" && <Duration since={state.since} />}
        {isLittle && !isOver && size === "normal" && (
          <IconButton
            icon={ChevronDown}
            label={texts.calls.shrink}
            onClick={() => {
              setSize("small");
              frame.current?.focus();
            }}
          />
        )}
        {!isOver && (
          <IconButton
            icon={isLarge ? Minimize2 : Maximize2}
            label={isLarge ? texts.calls.shrink : texts.calls.enlarge}
            onClick={() => setSize(size === "normal" ? "large" : "normal")}
          />
        )}
        {isSmall && <HangUpButton />}
      </header>
      {!isOver && <Videos name={name} face={face} picture={picture} isPlace={isPlace} speaker={speaker} />}
      <StatusText state={state} name={name} />
      {isOver ? <Afterwards state={state} /> : <Controls onSpeaker={setSpeaker} />}
      {dialog !== null && dialog === wasIn && createPortal(<CallBar state={state} name={name} />, dialog)}
    </section>
  );
}

/** Returns the dialog in front; of a call that is over, the one in which it was: dialogs that open later do not repeat its end. */
function useDialogDuring(isOn: boolean, dialog: Element | null): Element | null {
  const [during, setDuring] = useState(dialog);
  if (isOn && during !== dialog) setDuring(dialog);
  return during;
}

/** Lets Escape shrink a window that covers the page, before it does anything to what is covered. */
function useEscapeShrinks(covers: boolean, shrink: () => void): void {
  const shrunk = useEffectEvent(shrink);
  useEffect(() => {
    if (!covers) return;
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      shrunk();
    };
    addEventListener("keydown", pressed, true);
    return () => removeEventListener("keydown", pressed, true);
  }, [covers]);
}

function Videos({ name, face, picture, isPlace, speaker }: Omit<Props, "state"> & { speaker: string }) {
  const media = useStore(useChat().calls.media, (each) => each.media);
  const labels = texts.calls;
  const shown = media?.otherPicture ?? null;
  return (
    <div className="call-pictures">
      {media?.remote && (
        <CallVideo
          stream={media.remote}
          label={labels.pictureOf[shown ?? "camera"](name)}
          isShown={shown !== null}
          isScreen={shown === "screen"}
          speaker={speaker}
        />
      )}
      {shown === null && <Avatar id={face} name={name} picture={picture} isPlace={isPlace} />}
      {media?.picture && (
        <CallVideo
          stream={media.local}
          label={labels.yourPicture[media.picture]}
          isShown
          isOwn
          isScreen={media.picture === "screen"}
        />
      )}
    </div>
  );
}

/** The call's status, also for screen readers. */
function StatusText({ state, name }: Pick<Props, "state" | "name">) {
  const problem = useStore(useChat().calls.media, (each) => each.problem);
  return (
    <>
      <p className="says" role="status">
        {useCallStatus(state, name)}
      </p>
      <p className="problem" role="alert">
        {problem !== null && texts.calls.unavailable[problem]}
      </p>
    </>
  );
}

function Controls({ onSpeaker }: { onSpeaker: (id: string) => void }) {
  const { calls } = useChat();
  const [choosesDevices, setChoosesDevices] = useState(false);
  const media = useStore(calls.media, (each) => each.media);
  const labels = texts.calls;
  const isSharing = media?.picture === "screen";
  return (
    <>
      {choosesDevices && <CallDevicesForm onSpeaker={onSpeaker} />}
      <div className="controls">
        <MuteButton />
        <CameraButton />
        {CAN_SHARE && (
          <IconButton
            icon={isSharing ? ScreenShareOff : ScreenShare}
            label={isSharing ? labels.stopSharing : labels.shareScreen}
            className={isSharing ? "off" : undefined}
            disabled={media === null}
            onClick={() => void calls.setScreen(!isSharing)}
          />
        )}
        <IconButton
          icon={Settings2}
          label={labels.devices}
          aria-expanded={choosesDevices}
          disabled={media === null}
          onClick={() => setChoosesDevices(!choosesDevices)}
        />
        <HangUpButton />
      </div>
    </>
  );
}

function Afterwards({ state }: { state: Extract<CallState, { phase: "over" }> }) {
  const { calls } = useChat();
  const { ending, call } = state;
  return (
    <div className="buttons">
      {!FINAL_ENDINGS.has(ending) && (
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
