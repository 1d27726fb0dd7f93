import { useContext, useEffect, useEffectEvent } from "react";
import { ChatContext } from "./chat_context";

/**
 * Calls `close` when the reader accepts or makes a call, which would be below what is open. Without a chat above, as in
 * the operators' console, there are no calls.
 */
export function useCallCloses(close: () => void): void {
  const calls = useContext(ChatContext)?.calls;
  const closed = useEffectEvent(close);
  useEffect(
    () => calls?.state.subscribe(({ phase }) => (phase === "joining" || phase === "outgoing") && closed()),
    [calls],
  );
}
