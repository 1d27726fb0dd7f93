import { Bell } from "lucide-react";
import { useState } from "react";
import { useStore } from "zustand";
import { unreadIn } from "../../chat/alerts/alerts";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import "./bell_button.css";

const NotificationList = lazyPart(() => import("./notification_list"));

/** The number of unread notifications, and a button that lists them. */
export function BellButton() {
  const { alerts } = useChat();
  const unread = useStore(alerts.state, unreadIn);
  const [open, setOpen] = useState(false);
  return (
    <span className="bell">
      <IconButton
        icon={Bell}
        label={texts.alerts.bell(unread)}
        aria-haspopup="dialog"
        onClick={() => {
          setOpen(true);
          void alerts.load();
        }}
      />
      {unread > 0 && (
        <span className="count" aria-hidden="true">
          {unread > 99 ? "99+" : unread}
        </span>
      )}
      {open && <NotificationList onClose={() => setOpen(false)} />}
    </span>
  );
}
