import { texts } from "../../texts";
import { Confirmation } from "../components/confirmation";
import { useChat } from "../page/chat_context";

/** Asks whether the reader's call on another device, or in another tab, ends for one from here. */
export function ElsewhereQuestion({ name }: { name: string }) {
  const { calls } = useChat();
  const { title, action, what } = texts.calls.elsewhere;
  const close = (): void => {
    if (calls.state.getState().phase === "over") calls.leave();
  };
  return (
    <Confirmation title={title} action={action} onConfirm={() => calls.dialInstead()} onClose={close}>
      {what(name)}
    </Confirmation>
  );
}
