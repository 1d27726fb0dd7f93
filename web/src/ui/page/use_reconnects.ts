import { useEffect, useRef, useState } from "react";
import { useChatState } from "./chat_context";

/** Returns how often the connection has returned, so that what depends on it is loaded again then. */
export function useReconnects(): number {
  const connected = useChatState((state) => state.connected);
  const [count, setCount] = useState(0);
  const wasConnected = useRef(connected);
  useEffect(() => {
    if (connected && !wasConnected.current) setCount((before) => before + 1);
    wasConnected.current = connected;
  }, [connected]);
  return count;
}
