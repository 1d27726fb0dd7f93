import { Phone, PhoneOff, Video } from "lucide-react";
import { useId, useRef } from "react";
import { createPortal } from "react-dom";
import type { Call } from "../../chat/calls/call_state";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { byTouch } from "../keyboard/focus";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useChat } from "../page/chat_context";
import { useBackCloses } from "../page/use_back_closes";
import { useFrontDialog } from "./use_front_dialog";
import "../components/dialog.css";

interface Props {
  call: Call;
  name: string;
  /** The id for the avatar. */
  face: string;
  /** The path of the caller's picture. */
  picture: string | undefined;
  /** Whether it is the picture of a group. */
  isPlace: boolean;
}

/**
 * An incoming call. The dialog has the focus and none of its buttons has, so that typing does not accept the call. Back
 * does not close it, because nothing else leads to the call: a phone's Back is an Escape, too.
 */
export function Ringing({ call, name, face, picture, isPlace }: Props) {
  const { calls } = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const show = (): void => {
    dialog.current?.showModal();
    dialog.current?.focus();
  };
  useBackCloses(true, () => undefined, { isOfPage: true, isKept: () => true });
  useFocusUntilClosed(show);
  const labels = texts.calls;
  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      className="ringing"
      tabIndex={-1}
      aria-labelledby={id}
      aria-describedby={byTouch ? undefined : `${id}hint`}
      onCancel={(event) => byTouch && event.preventDefault()}
      onClose={() => (byTouch ? show() : calls.ignore())}
    >
      <span className="ripples">
        <Avatar id={face} name={name} picture={picture} isPlace={isPlace} />
      </span>
      <h2 id={id}>{call.withVideo ? labels.ringing.video(name) : labels.ringing.voice(name)}</h2>
      <Answers call={call} />
      {!byTouch && (
        <p id={`${id}hint`} className="hint">
          {labels.ignoreHint}
        </p>
      )}
    </dialog>
  );
}

/**
 * An incoming call without a dialog of its own or a sound, for a reader who does not want to be disturbed; within the
 * modal dialog that is open, behind which it could be neither seen nor answered.
 */
export function SilentRinging({ call, name }: Props) {
  const labels = texts.calls;
  const dialog = useFrontDialog();
  const shown = (
    <section className="call ringing" aria-label={labels.region(name)}>
      <div role="status">
        <h2>{call.withVideo ? labels.ringing.video(name) : labels.ringing.voice(name)}</h2>
      </div>
      <Answers call={call} />
    </section>
  );
  return dialog === null ? shown : createPortal(shown, dialog);
}

function Answers({ call }: { call: Call }) {
  const { calls } = useChat();
  const labels = texts.calls;
  return (
    <div className="buttons">
      <button type="button" className="danger" onClick={() => calls.leave()}>
        <PhoneOff className="icon" aria-hidden="true" />
        {labels.decline}
      </button>
      <button type="button" className="good" onClick={() => void calls.answer(false)}>
        <Phone className="icon" aria-hidden="true" />
        {labels.accept}
      </button>
      {call.withVideo && (
        <button type="button" className="good" onClick={() => void calls.answer(true)}>
          <Video className="icon" aria-hidden="true" />
          {labels.acceptVideo}
        </button>
      )}
    </div>
  );
}
