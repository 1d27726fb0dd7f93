import { useStore } from "zustand";
import { mayOffer } from "../../chat/alerts/permission";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const OfferLine = lazyPart(() => import("./offer_line"), "silent");

/** Offers notifications once a message was sent or received, when the reader has not decided yet. */
export function AlertOffer() {
  const hasMessages = useStore(useChat().alerts.state, (state) => state.hasMessages);
  if (!hasMessages || !mayOffer()) return null;
  return <OfferLine />;
}
