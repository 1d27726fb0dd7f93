import { useEffect } from "react";
import { useChat } from "../chat_context";

/** Has what calls for attention said. What says it is loaded when there is something. */
export function useAlerts(): void {
  const chat = useChat();
  useEffect(() => {
    chat.alerts.onAlert = (alert) => void import("./show_alert").then(({ showAlert }) => showAlert(chat, alert));
    chat.alerts.onRead = (ids) => void import("./show_alert").then(({ closeNotifications }) => closeNotifications(ids));
  }, [chat]);
}
