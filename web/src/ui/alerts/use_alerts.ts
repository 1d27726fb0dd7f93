import { useEffect } from "react";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";

/** Announces notifications, and follows clicks on them. The first one loads the code for it. */
export function useAlerts(): void {
  const chat = useChat();
  useEffect(() => {
    let wasAlerted = false;
    chat.alerts.onAlert = (alert) => {
      wasAlerted = true;
      void import("./show_alert").then(({ showAlert }) => showAlert(chat, alert));
    };
    chat.alerts.onRead = (ids) => {
      if (wasAlerted) void import("./show_alert").then(({ toastsOf }) => toastsOf(chat).read(ids));
      // Reading the permission blocks the page until the browser's main process answers.
      if (ids.length > 0 && globalThis.Notification?.permission === "granted")
        void import("./show_alert").then(({ closeNotifications }) => closeNotifications(ids));
    };
    chat.push.onOpen = ({ id, conversationId, messageId }) => {
      goTo(conversationId, messageId);
      void chat.alerts.markRead([id]);
    };
    return () => {
      if (wasAlerted) void import("./show_alert").then(({ stopToasts }) => stopToasts(chat));
    };
  }, [chat]);
}
