import { X } from "lucide-react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useChat } from "../page/chat_context";
import { CameraButton, Duration, HangUpButton, MuteButton, type ShownCall, useCallStatus } from "./call_parts";

/** The current call within a modal dialog, behind which its window can be neither seen well nor used. */
export function CallBar({ state, name }: { state: ShownCall; name: string }) {
  const { calls } = useChat();
  const status = useCallStatus(state, name);
  // The timer says that too, in less room.
  const isPlain = status === texts.calls.phase.talking;
  const isOver = state.phase === "over";
  // A button of the bar may have the focus when the call ends.
  useFocusUntilClosed(() => undefined);
  return (
    <section className="call-bar" aria-label={texts.calls.region(name)}>
      <p>
        <strong dir="auto">{name}</strong>
        <span role="status">{isPlain ? "" : status}</span>
      </p>
      {state.phase === "talking" && <Duration since={state.since} />}
      {isOver ? (
        <IconButton icon={X} label={texts.close} onClick={() => calls.leave()} />
      ) : (
        <>
          <MuteButton />
          <CameraButton />
          <HangUpButton />
        </>
      )}
    </section>
  );
}
