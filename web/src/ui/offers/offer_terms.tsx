import type { Offer } from "@talkwire/client";
import { formatAmount } from "../../chat/offers/money";
import { texts } from "../../texts";

/** What is offered, and for how much. */
export function OfferTerms({ offer: { title, amount, currency, deletedAt } }: { offer: Offer }) {
  return (
    <div className="terms">
      <p className="what">{deletedAt === undefined ? title : texts.offers.deleted}</p>
      <strong className="amount">{formatAmount(amount, currency)}</strong>
    </div>
  );
}
