import { useStore } from "zustand";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const CallLayer = lazyPart(() => import("./call_layer"), "unasked");

/** The current call; the first call loads the code for it. */
export function CallGate() {
  const { calls } = useChat();
  const hasCall = useStore(calls.state, ({ phase }) => phase !== "idle");
  if (!hasCall) return null;
  return <CallLayer onGiveUp={() => calls.giveUp()} />;
}
