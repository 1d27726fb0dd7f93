/** The words of notices. */

import type { Notice, Offer } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { formatAmount } from "../../chat/offers/money";
import { isolated } from "../../chat/people/isolated";
import { texts } from "../../texts";

/** So many users are named; the others are counted. */
const NAMED_MAX = 4;

/**
 * Returns the sentence that a notice is shown as; null for a kind that this client does not know. `partner`: the name of
 * the other user of a direct conversation; `offer`: the offer that a notice is about, if it is known.
 */
export function noticeText(notice: Notice, myId: string, partner?: string, offer?: Offer): string | null {
  const { notices } = texts;
  const { type, actorId } = notice;
  const actor = nameOf(notice, actorId, myId) ?? notices.somebody;
  switch (type) {
    case "joined":
      return notices.joined(thoseIn(notice, myId));
    case "left":
      return notices.left(thoseIn(notice, myId));
    case "added":
      return notices.added(actor, peopleIn(notice, myId, notices.you));
    case "removed":
      return notices.removed(actor, peopleIn(notice, myId, notices.you));
    case "role":
      return roleIn(notice, myId);
    case "changed":
      return changeIn(notice, actor);
    case "call":
      return actorId === myId ? ownCall(notice, partner) : callFrom(notice, actor);
    case "offer":
      return offerIn(notice, actor, offer);
    default:
      return null;
  }
}

function roleIn(notice: Notice, myId: string): string {
  const { notices } = texts;
  const { userIds: [id = ""] = [], role = "member" } = notice;
  return id === myId ? notices.yourRole[role] : notices.role[role](nameOf(notice, id, myId) ?? notices.somebody);
}

function offerIn({ offerStatus }: Notice, actor: string, offer: Offer | undefined): string | null {
  const { notices } = texts;
  if (offerStatus === undefined) return null;
  const isNamed = offer !== undefined && offer.deletedAt === undefined;
  const what = isNamed
    ? notices.theOffer(isolated(offer.title), formatAmount(offer.amount, offer.currency))
    : notices.anOffer;
  return notices.offers[offerStatus]?.(actor, what) ?? null;
}

function ownCall({ reason, durationS }: Notice, partner: string | undefined): string {
  const { notices } = texts;
  if (durationS !== undefined) return notices.call(lasting(durationS));
  return reason === "rejected"
    ? notices.yourCallDeclined(partner === undefined ? notices.somebody : isolated(partner))
    : notices.unanswered;
}

function callFrom({ reason, durationS }: Notice, caller: string): string {
  const { notices } = texts;
  if (durationS !== undefined) return notices.call(lasting(durationS));
  return reason === "rejected" ? notices.declined(caller) : notices.missed(caller);
}

function changeIn(
  { changes = [], name, topic, public: isPublic, history = "all", slowModeS = 0 }: Notice,
  actor: string,
): string | null {
  const { notices } = texts;
  const parts = changes.flatMap((change) => {
    if (change === "name") return [name === undefined ? notices.unnamed : notices.renamed(isolated(name))];
    if (change === "topic") return [topic === undefined ? notices.topicRemoved : notices.topic(isolated(topic))];
    if (change === "public") return [isPublic ? notices.madePublic : notices.madePrivate];
    if (change === "history") return [notices.history[history]];
    if (change === "slowModeS") return [slowModeS > 0 ? notices.slowMode(slowModeS) : notices.slowModeOff];
    const words: string | undefined = notices.changed[change];
    return words === undefined ? [] : [words];
  });
  return parts.length === 0 ? null : notices.changes(actor, texts.listed(parts));
}

/** Returns those who did something. The reader may be the only one, or stand among others. */
function thoseIn(notice: Notice, myId: string): string {
  const { userIds: [first] = [], userCount = 1 } = notice;
  const { youFirst, youLater } = texts.notices;
  if (first !== myId) return peopleIn(notice, myId, youLater);
  return peopleIn(notice, myId, userCount > 1 ? youFirst : texts.you);
}

function peopleIn(notice: Notice, myId: string, you: string): string {
  const { userIds = [], userCount = userIds.length } = notice;
  const shown = userIds
    .slice(0, NAMED_MAX)
    .map((id) => (id === myId ? you : nameOf(notice, id, myId)) ?? texts.notices.somebody);
  const others = userCount - shown.length;
  return texts.listed(others > 0 ? [...shown, texts.notices.others(others)] : shown);
}

function nameOf({ names }: Notice, id: string | undefined, myId: string): string | undefined {
  if (id === undefined) return undefined;
  if (id === myId) return texts.you;
  const name = own(names, id);
  return name === undefined ? undefined : isolated(name);
}

/** `45 s`, `3 min`, `1 h 5 min`. */
function lasting(seconds: number): string {
  const { notices } = texts;
  if (seconds < 60) return notices.seconds(seconds);
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return notices.minutes(minutes);
  return notices.hours(Math.floor(minutes / 60), minutes % 60);
}
