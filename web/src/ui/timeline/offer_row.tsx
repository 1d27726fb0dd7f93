import type { Offer } from "@talkwire/client";
import type { ReactNode } from "react";
import { texts } from "../../texts";
import { useLoadedPicture, useNameIn } from "../people/use_name_in";
import { AuthorLine } from "./author_line";

/** An offer's card in a conversation, below the line of its author as a message is. */
export function OfferRow({ offer, children }: { offer: Offer; children: ReactNode }) {
  const { authorId, conversationId, createdAt } = offer;
  const name = useNameIn(conversationId, authorId) ?? texts.offers.someone;
  const picture = useLoadedPicture(conversationId, authorId);
  return (
    <div className="authored">
      <AuthorLine userId={authorId} name={name} picture={picture} at={createdAt} />
      {children}
    </div>
  );
}
