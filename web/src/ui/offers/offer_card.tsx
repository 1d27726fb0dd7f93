import type { Offer, OfferStatus } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { Ban, Check, CircleDot, Clock, type LucideIcon, Repeat2, Tag, X } from "lucide-react";
import { type ComponentType, type ReactNode, useRef, useState } from "react";
import { useStore } from "zustand";
import { formatAmount } from "../../chat/offers/money";
import {
  actionsOn,
  answererOf,
  endsSoon,
  isAuthorGone,
  type OfferAction,
  statusAt,
} from "../../chat/offers/offer_rules";
import { texts } from "../../texts";
import { endTime, fullTime, shortTime } from "../../time_format";
import { Avatar } from "../components/avatar";
import { Confirmation } from "../components/confirmation";
import { partnerOf } from "../components/conversation_names";
import { spokenLabel } from "../components/spoken_label";
import { useChat, useChatState } from "../page/chat_context";
import { Folded, useIsFolded } from "../people/folded";
import { Handle, useDistinctName, useNamesakeHandle } from "../people/person_handle";
import { useLoadedPicture, useNameIn } from "../people/use_name_in";
import { OfferMenu } from "./offer_menu";
import { OfferTerms } from "./offer_terms";
import { useSeen } from "./use_seen";
import { useWhyOver } from "./use_why_over";
import "./offer_card.css";

const ICONS: Readonly<Record<OfferStatus, LucideIcon>> = {
  pending: CircleDot,
  accepted: Check,
  rejected: X,
  withdrawn: Ban,
  countered: Repeat2,
  expired: Clock,
};

interface Props {
  offer: Offer;
  /** What is around the card, and says who made the offer and when. Without it, the card does. */
  Frame?: ComponentType<{ offer: Offer; children: ReactNode }>;
}

/** An offer. In groups, offers of blocked users are hidden. */
export default function OfferCard({ offer, Frame }: Props) {
  const [shown, setShown] = useState(false);
  const isFolded = useIsFolded(offer.conversationId, offer.authorId);
  if (isFolded && !shown) return <FoldedOffer offer={offer} onShow={() => setShown(true)} />;
  if (Frame === undefined) return <Unfolded offer={offer} start={<Author offer={offer} />} />;
  return (
    <Frame offer={offer}>
      <Unfolded offer={offer} start={<Label />} isFramed />
    </Frame>
  );
}

/** An offer that was made before its author was blocked may still be unread. */
function FoldedOffer({ offer, onShow }: { offer: Offer; onShow: () => void }) {
  const line = useRef<HTMLParagraphElement>(null);
  useSeen(line, offer.id, offer);
  return <Folded text={texts.people.foldedOffer} ref={line} onShow={onShow} />;
}

interface UnfoldedProps {
  offer: Offer;
  /** The beginning of its first line. */
  start: ReactNode;
  isFramed?: boolean;
}

/** An offer with its current status and the reader's possible actions. */
function Unfolded({ offer, start, isFramed = false }: UnfoldedProps) {
  const nowMs = useStore(useChat().offers.state, (state) => state.nowMs);
  const status = statusAt(offer, nowMs);
  const Icon = ICONS[status];
  const { description, expiresAt, counterOf } = offer;
  const card = useRef<HTMLElement>(null);
  const isGone = useIsAuthorGone(offer);
  const label = useOfferLabel(offer);
  useSeen(card, offer.id, offer);
  return (
    <article
      ref={card}
      className={`offer ${status}${isFramed ? " framed" : ""}`}
      aria-label={label}
      {...(isFramed && { "data-id": offer.id, tabIndex: -1 })}
    >
      <header>
        {start}
        <OfferMenu offer={offer} />
      </header>
      <OfferTerms offer={offer} />
      {description && <p className="description">{description}</p>}
      <p className="standing" role="status">
        <span className="status">
          <Icon className="icon" aria-hidden="true" />
          {texts.offers.status[status]}
        </span>
        {status === "pending" && expiresAt && (
          <time
            className={endsSoon(offer, nowMs) ? "soon" : undefined}
            dateTime={expiresAt}
            title={fullTime(expiresAt)}
          >
            {texts.offers.until(endTime(expiresAt))}
          </time>
        )}
        <Answerer offer={offer} isFramed={isFramed} />
        {counterOf && <Countered offer={offer} />}
        {status === "pending" && isGone && <span>{texts.offers.authorGone}</span>}
      </p>
      <Answers offer={offer} nowMs={nowMs} />
    </article>
  );
}

/** Returns what screen readers call an offer: who made it, when, and what it is. */
function useOfferLabel({ authorId, conversationId, createdAt, title }: Offer): string {
  const name = useNameIn(conversationId, authorId) ?? texts.offers.someone;
  return spokenLabel(useDistinctName(authorId, name), createdAt, texts.labelled(texts.offers.one, title));
}

function Label() {
  return (
    <span className="author">
      <Tag className="icon" aria-hidden="true" />
      {texts.offers.one}
    </span>
  );
}

function Author({ offer: { authorId, conversationId, createdAt } }: { offer: Offer }) {
  const isMine = useChatState((state) => state.me.id === authorId);
  const name = useNameIn(conversationId, authorId) ?? texts.offers.someone;
  const picture = useLoadedPicture(conversationId, authorId);
  const handle = useNamesakeHandle(authorId, name);
  return (
    <>
      <Avatar id={authorId} name={name} picture={picture} />
      <span className="author">
        {isMine ? texts.offers.mine : texts.offers.by(name)}
        {!isMine && handle !== undefined && (
          <>
            {" "}
            <Handle handle={handle} />
          </>
        )}
      </span>
      <time dateTime={createdAt} title={fullTime(createdAt)}>
        {shortTime(createdAt)}
      </time>
    </>
  );
}

/** Returns the name of the user whose offer a counter-offer answers; empty in direct conversations and for the reader. */
function useCountered({ conversationId, counterOf }: Offer): string {
  const first = useStore(useChat().offers.state, ({ byConversation }) =>
    own(byConversation, conversationId)?.offers.find(({ id }) => id === counterOf),
  );
  const isOfOther = useChatState(
    ({ conversations, me }) =>
      own(conversations, conversationId)?.kind !== "direct" && first !== undefined && first.authorId !== me.id,
  );
  return useNameIn(conversationId, isOfOther ? first?.authorId : undefined) ?? "";
}

function Countered({ offer }: { offer: Offer }) {
  const name = useCountered(offer);
  return <span>{name === "" ? texts.offers.inPlaceOf : texts.offers.counterTo(name)}</span>;
}

/** Who answered the offer, which only its author can withdraw. `isFramed`: the status does not stand before it. */
function Answerer({ offer, isFramed }: { offer: Offer; isFramed: boolean }) {
  const id = answererOf(offer);
  const isMe = useChatState((state) => state.me.id === id);
  const name = useNameIn(offer.conversationId, id) ?? texts.offers.someone;
  if (id === undefined || id === offer.authorId) return null;
  const by = isMe ? texts.offers.answeredByMe : texts.offers.answeredBy(name);
  return <span>{isFramed ? `${texts.offers.status[offer.status]} ${by}` : by}</span>;
}

function Answers({ offer, nowMs }: { offer: Offer; nowMs: number }) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const conversation = useChatState((state) => own(state.conversations, offer.conversationId));
  const [asks, setAsks] = useState<Asked | null>(null);
  const mayWrite = conversation !== undefined && may(conversation.kind, roleOf(conversation, me), "post");
  const partner = conversation && partnerOf(conversation, me);
  const isBlocked = useChatState(({ blocked }) => partner !== undefined && blocked.has(partner.userId));
  const isMuted = conversation?.mutedByModerator !== undefined;
  const given = { myId: me.id, mayWrite, isBlocked: isBlocked || isMuted, isAuthorGone: useIsAuthorGone(offer) };
  const actions = actionsOn(offer, given, nowMs);
  if (actions.length === 0 && asks === null) return null;

  const act = (action: OfferAction): void => {
    if (action === "counter") chat.openOfferForm({ conversationId: offer.conversationId, counterTo: offer });
    else setAsks(action);
  };
  return (
    <>
      {actions.length > 0 && (
        <div className="buttons">
          {actions.map((action) => (
            <button
              key={action}
              type="button"
              className={lookOf(action, actions)}
              aria-label={texts.labelled(texts.offers.actions[action], offer.title)}
              onClick={() => act(action)}
            >
              {texts.offers.actions[action]}
            </button>
          ))}
        </div>
      )}
      {asks !== null && <Question offer={offer} asks={asks} onClose={() => setAsks(null)} />}
    </>
  );
}

/** One stands out, and what ends the offer does least. */
function lookOf(action: OfferAction, actions: readonly OfferAction[]): string | undefined {
  if (action === "accept") return "primary";
  return actions.length > 1 && action !== "counter" ? "quiet" : undefined;
}

function useIsAuthorGone(offer: Offer): boolean {
  return useChatState(({ conversations }) => {
    const conversation = own(conversations, offer.conversationId);
    return conversation !== undefined && isAuthorGone(offer, conversation);
  });
}

type Asked = Exclude<OfferAction, "counter">;

/** Asks before an offer is answered. It stays, and says why, when that is not possible any more. */
function Question({ offer, asks, onClose }: { offer: Offer; asks: Asked; onClose: () => void }) {
  const { offers } = useChat();
  const { authorId, conversationId } = offer;
  const name = useNameIn(conversationId, authorId) ?? texts.offers.someone;
  const distinctName = useDistinctName(authorId, name);
  const countered = useCountered(offer);
  const isDirect = useChatState(({ conversations }) => own(conversations, conversationId)?.kind === "direct");
  return (
    <Confirmation
      title={texts.offers.questions[asks](offer.title, formatAmount(offer.amount, offer.currency))}
      action={texts.offers.actions[asks]}
      isHarmless={asks === "accept"}
      over={useWhyOver(offer.conversationId, offer)}
      onConfirm={() => offers.answer(offer.id, asks)}
      onClose={onClose}
    >
      {asks !== "withdraw" && !isDirect && <>{texts.offers.from(distinctName, countered)} </>}
      {texts.offers.consequences[asks]}
    </Confirmation>
  );
}
