import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const OfferDialog = lazyPart(() => import("./offer_dialog"));

/** The open form for an offer. */
export function OfferForm() {
  const chat = useChat();
  const form = useChatState((state) => state.offerForm);
  return form && <OfferDialog {...form} onClose={() => chat.openOfferForm(null)} />;
}
