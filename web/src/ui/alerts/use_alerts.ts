import { useEffect } from "react";
import { useChat } from "../context";

/** Has what calls for attention said. What says it is loaded when there is something. */
export function useAlerts(): void {
  const chat = useChat();
  useEffect(() => {
    chat.alerts.onAlert = (alert) => void import("./announce").then(({ announce }) => announce(chat, alert));
    chat.alerts.onRead = (ids) => void import("./announce").then(({ takeAway }) => takeAway(ids));
  }, [chat]);
}
