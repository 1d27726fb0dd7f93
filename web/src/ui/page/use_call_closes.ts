import { useEffect, useEffectEvent } from "react";
import { useChat } from "./chat_context";

/** Calls `close` when the reader accepts or makes a call, which would be below what is open. */
export function useCallCloses(close: () => void): void {
  const { calls } = useChat();
  const closed = useEffectEvent(close);
  useEffect(
    () => calls.state.subscribe(({ phase }) => (phase === "joining" || phase === "outgoing") && closed()),
    [calls],
  );
}
