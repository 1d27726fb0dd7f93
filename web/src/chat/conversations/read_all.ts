/** Marks all conversations as read, and takes that back; marks the offers of conversations as read. */

import type { Conversation } from "@talkwire/client";
import { type ConversationStore, whenAccepted } from "@talkwire/client/parts";
import type { Alerts } from "../alerts/alerts";
import type { PageCore } from "../page_core";
import { isListed, unreadOf } from "./unread";

/** How many conversations are marked at the same time: over a slow network, one after the other takes minutes. */
const AT_ONCE = 16;
const READ = { unreadCount: 0, mentionCount: 0 };
const NO_OFFERS = { unreadOfferCount: 0 };

interface OfferMarks {
  readonly conversations: Pick<ConversationStore, "load">;
  readonly alerts: Pick<Alerts, "markOffersRead">;
}

interface Marks extends OfferMarks {
  readonly conversations: Pick<ConversationStore, "markRead" | "load">;
  /** Makes what was read after a `seq` unread again. */
  readonly messages: { markUnreadAfter(id: string, seq: number): Promise<void> };
  readonly alerts: Pick<Alerts, "markOffersRead" | "markCallsRead">;
}

export class ReadAll {
  readonly #core: PageCore;
  readonly #marks: Marks;
  /** How many messages and offers were unread. */
  readonly count: number;
  /** Those with unread messages. */
  readonly #unread: readonly Conversation[];
  /** Those that the server has not received yet. */
  readonly #unsent: Conversation[];
  readonly #sending: Promise<void>;

  /** Shows at once that everything is read and notifies the server. What cannot be marked is shown as unread again. */
  constructor(core: PageCore, marks: Marks) {
    this.#core = core;
    this.#marks = marks;
    const all = Object.values(core.now.conversations).filter(isListed);
    this.count = all.reduce((sum, each) => sum + unreadOf(each, core.now.features), 0);
    this.#unread = all.filter(({ unreadCount }) => unreadCount);
    this.#unsent = [...this.#unread];
    for (const { id } of this.#unread) core.changeConversation(id, (before) => ({ ...before, ...READ }));
    this.#sending = inTurns(this.#unsent, ({ id }) =>
      whenAccepted(() => marks.conversations.markRead(id)).catch(() => marks.conversations.load(id)),
    );
    void marks.alerts.markCallsRead();
    void readOffers(core, marks, all);
  }

  /** Whether there were unread messages: offers cannot become unread again. */
  get canUndo(): boolean {
    return this.#unread.length > 0;
  }

  /** Makes all messages unread again that were unread before. */
  async undo(): Promise<void> {
    const unsent = new Set(this.#unsent.splice(0));
    for (const { id, unreadCount = 0, mentionCount = 0 } of this.#unread)
      this.#core.changeConversation(id, (now) => ({ ...now, unreadCount, mentionCount }));
    await this.#sending;
    const sent = this.#unread.filter((each) => !unsent.has(each));
    await inTurns(sent, ({ id, readSeq = 0 }) => this.#marks.messages.markUnreadAfter(id, readSeq));
  }
}

/** Shows at once that the offers of conversations are read. Loads the conversations where the server refuses that. */
export async function readOffers(
  core: PageCore,
  { alerts, conversations }: OfferMarks,
  all: readonly Conversation[],
): Promise<void> {
  const offered = core.now.features.offers ? all.filter(({ unreadOfferCount }) => unreadOfferCount) : [];
  if (offered.length === 0) return;
  for (const { id } of offered) core.changeConversation(id, (before) => ({ ...before, ...NO_OFFERS }));
  await whenAccepted(() => alerts.markOffersRead(offered)).catch(() =>
    inTurns([...offered], ({ id }) => conversations.load(id)),
  );
}

/** Takes the items out of a list, and calls `run` with each, a few at a time. */
async function inTurns<Item>(items: Item[], run: (item: Item) => Promise<void>): Promise<void> {
  const next = async (): Promise<void> => {
    for (let item = items.shift(); item !== undefined; item = items.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
