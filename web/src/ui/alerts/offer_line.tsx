import { X } from "lucide-react";
import { useState } from "react";
import { allow, declineOffer } from "../../chat/alerts/permission";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import "./permission_line.css";

/** Asks whether the reader wants notifications. The browser asks only after a yes. */
export default function OfferLine() {
  const { push } = useChat();
  const [isDecided, setDecided] = useState(false);
  if (isDecided) return null;
  const { offer, turnOn, notNow } = texts.alerts.browser;
  const accept = async (): Promise<void> => {
    const allowed = await allow();
    setDecided(true);
    if (allowed === "on") await push.subscribe();
  };
  const decline = (): void => {
    declineOffer();
    setDecided(true);
  };
  return (
    <section className="permission offered" aria-label={offer}>
      <span>{offer}</span>
      <button type="button" onClick={() => void accept()}>
        {turnOn}
      </button>
      <IconButton icon={X} label={notNow} onClick={decline} />
    </section>
  );
}
