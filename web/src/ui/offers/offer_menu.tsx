import type { Offer } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { Ellipsis, Flag, Trash2 } from "lucide-react";
import { useState } from "react";
import { formatAmount } from "../../chat/offers/money";
import { texts } from "../../texts";
import { Confirmation } from "../components/confirmation";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { ReportDialog } from "../components/report_dialog";
import { useChat, useChatState } from "../page/chat_context";
import { OfferTerms } from "./offer_terms";

/** The menu of somebody else's offer: it is reported or, by those who manage the conversation, deleted. */
export function OfferMenu({ offer }: { offer: Offer }) {
  const [asks, setAsks] = useState<"report" | "delete" | null>(null);
  const isMine = useChatState(({ me }) => me.id === offer.authorId);
  const mayDelete = useChatState(({ conversations, me }) => {
    const conversation = own(conversations, offer.conversationId);
    return conversation !== undefined && may(conversation.kind, roleOf(conversation, me), "manage");
  });
  const close = (): void => setAsks(null);
  const actions = (): MenuAction[] => [
    { label: texts.offers.report, icon: Flag, onClick: () => setAsks("report") },
    ...(mayDelete ? [{ label: texts.delete, icon: Trash2, isDangerous: true, onClick: () => setAsks("delete") }] : []),
  ];
  return (
    <>
      {!isMine && offer.deletedAt === undefined && (
        <MenuButton icon={Ellipsis} label={texts.offers.menuOf(offer.title)} actions={actions} />
      )}
      {asks === "report" && <Report offer={offer} onClose={close} />}
      {asks === "delete" && <Deletion offer={offer} onClose={close} />}
    </>
  );
}

interface DialogProps {
  offer: Offer;
  onClose: () => void;
}

function Report({ offer, onClose }: DialogProps) {
  const { moderation } = useChat();
  return (
    <ReportDialog
      title={texts.offers.report}
      onReport={(reason, note) => moderation.reportOffer(offer.id, reason, note)}
      onClose={onClose}
    >
      <div className="offer quoted">
        <OfferTerms offer={offer} />
      </div>
    </ReportDialog>
  );
}

function Deletion({ offer, onClose }: DialogProps) {
  const { offers } = useChat();
  return (
    <Confirmation
      title={texts.offers.deleteQuestion(offer.title, formatAmount(offer.amount, offer.currency))}
      action={texts.delete}
      onConfirm={() => offers.delete(offer.id)}
      onClose={onClose}
    >
      {texts.offers.deleteHint}
    </Confirmation>
  );
}
