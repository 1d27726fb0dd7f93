import { useEffect } from "react";
import { useChat } from "../chat_context";

/** Announces notifications. The first one loads the code for it. */
export function useAlerts(): void {
  const chat = useChat();
  useEffect(() => {
    chat.alerts.onAlert = (alert) => void import("./show_alert").then(({ showAlert }) => showAlert(chat, alert));
    chat.alerts.onRead = (ids) => void import("./show_alert").then(({ closeNotifications }) => closeNotifications(ids));
  }, [chat]);
}
