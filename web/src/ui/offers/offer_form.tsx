import { useChat, useChatState } from "../chat_context";
import { lazyPart } from "../lazy_part";

const OfferDialog = lazyPart(() => import("./offer_dialog"));

/** The open form for an offer. */
export function OfferForm() {
  const chat = useChat();
  const form = useChatState((state) => state.offerForm);
  return form && <OfferDialog {...form} onClose={() => chat.openOfferForm(null)} />;
}
