import { useEffect } from "react";
import { repeatable } from "../../repeatable_import";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";

type Alerting = typeof import("./show_alert");

const loadAlerting = repeatable(() => import("./show_alert"));

/** Does something with the code for alerts. Nothing happens where it cannot be loaded. */
function withAlerting(act: (code: Alerting) => void): void {
  loadAlerting()
    .then(act)
    .catch(() => undefined);
}

/** Announces notifications, and follows clicks on them. The first one loads the code for it. */
export function useAlerts(): void {
  const chat = useChat();
  useEffect(() => {
    let wasAlerted = false;
    chat.alerts.onAlert = (alert) => {
      wasAlerted = true;
      withAlerting(({ showAlert }) => showAlert(chat, alert));
    };
    chat.alerts.onRead = (ids) => {
      if (wasAlerted) withAlerting(({ toastsOf }) => toastsOf(chat).read(ids));
      // Reading the permission blocks the page until the browser's main process answers.
      if (ids.length > 0 && globalThis.Notification?.permission === "granted")
        withAlerting(({ closeNotifications }) => void closeNotifications(ids));
    };
    chat.push.onOpen = ({ id, conversationId, messageId }) => {
      goTo(conversationId, messageId);
      void chat.alerts.markRead([id]);
    };
    return () => {
      if (wasAlerted) withAlerting(({ stopToasts }) => stopToasts(chat));
    };
  }, [chat]);
}
