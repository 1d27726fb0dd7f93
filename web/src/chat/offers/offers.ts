/** The offers of conversations, and the reader's actions on them. */

import type { Offer } from "@talkwire/client";
import type { ChatPart } from "@talkwire/client/parts";
import { own } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { reachesBack } from "../messages/extras";
import type { PageCore } from "../page_core";
import { nextExpiry, type OfferAction, withOffers } from "./offer_rules";

export interface ConversationOffers {
  /** In the order of their creation. */
  readonly offers: readonly Offer[];
  /** The cursor of older offers; null when all are loaded. */
  readonly next: string | null;
}

export interface OfferState {
  readonly byConversation: Readonly<Record<string, ConversationOffers>>;
  /** Milliseconds since 1970; updated when an offer expires. */
  readonly nowMs: number;
}

export interface OfferTerms {
  readonly title: string;
  readonly amount: number;
  readonly currency: string;
  readonly description?: string;
  readonly expiresAt?: string;
}

const STATUS = { accept: "accepted", reject: "rejected", withdraw: "withdrawn" } as const;
/** The longest timeout of browsers. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Offers implements ChatPart {
  readonly state: StoreApi<OfferState> = createStore<OfferState>(() => ({ byConversation: {}, nowMs: Date.now() }));
  /** Called when offers were loaded or have changed. */
  onChange: () => void = () => undefined;
  readonly #core: PageCore;
  readonly #loading = new Set<string>();
  /** The conversations whose offers are those that this browser has saved. */
  readonly #savedOnly = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(core: PageCore) {
    this.#core = core;
    core.on("offer:new", (offer) => this.#received(offer));
    core.on("offer:updated", (offer) => this.#received(offer));
    core.state.subscribe(({ openId, timelines, connected }, before) => {
      if (openId === null || !connected) return;
      if (openId !== before.openId || own(timelines, openId) !== own(before.timelines, openId))
        this.#loadAsFarAsTimeline(openId);
    });
  }

  loaded(): void {
    this.#savedOnly.clear();
    this.state.setState({ byConversation: {} });
    this.#loadAsFarAsTimeline(this.#core.now.openId);
  }

  connected(): void {
    if (this.#savedOnly.size === 0) return;
    const loaded = Object.entries(this.state.getState().byConversation).filter(([id]) => !this.#savedOnly.has(id));
    this.#savedOnly.clear();
    this.state.setState({ byConversation: Object.fromEntries(loaded) });
    this.#loadAsFarAsTimeline(this.#core.now.openId);
  }

  stopped(): void {
    clearTimeout(this.#timer);
  }

  /** Returns the loaded offers of a conversation; undefined before they are loaded. */
  of(id: string): readonly Offer[] | undefined {
    return own(this.state.getState().byConversation, id)?.offers;
  }

  /** Shows saved offers until the server is reachable. */
  showSaved(saved: Readonly<Record<string, readonly Offer[]>>): void {
    for (const [id, offers] of Object.entries(saved)) {
      this.#savedOnly.add(id);
      this.#put(id, offers, null);
    }
  }

  /** Loads the next page of older offers; the newest page at first. */
  async loadMore(id: string): Promise<void> {
    const known = own(this.state.getState().byConversation, id);
    if (known?.next === null || this.#loading.has(id)) return;
    this.#loading.add(id);
    try {
      const from = known === undefined ? {} : { cursor: known.next };
      const page = await this.#core.call("offers:list", {
        conversationId: id,
        ...from,
      });
      this.#put(id, page.offers, page.cursor ?? null);
    } catch {
      // Opening the conversation or showing more of it loads them again.
      return;
    } finally {
      this.#loading.delete(id);
    }
    this.#loadAsFarAsTimeline(id);
  }

  /** Makes an offer. This method and those below reject with `RequestError`. */
  async make(conversationId: string, terms: OfferTerms): Promise<void> {
    const { offer } = await this.#core.call("offer:create", { conversationId, ...terms });
    this.#received(offer);
  }

  async counter(offerId: string, terms: OfferTerms): Promise<void> {
    const { offer } = await this.#core.call("offer:counter", { offerId, ...terms });
    this.#received(offer);
  }

  async answer(offerId: string, action: Exclude<OfferAction, "counter">): Promise<void> {
    const { offer } = await this.#core.call("offer:update", { offerId, status: STATUS[action] });
    this.#received(offer);
  }

  /** Deletes another member's offer, for those who manage its conversation. */
  async delete(offerId: string): Promise<void> {
    await this.#core.call("offer:delete", { offerId });
  }

  #received(offer: Offer): void {
    const known = own(this.state.getState().byConversation, offer.conversationId);
    // The offers of other conversations are loaded when those are opened.
    if (known !== undefined) this.#put(offer.conversationId, [offer], known.next);
  }

  #put(id: string, received: readonly Offer[], next: string | null): void {
    this.state.setState(({ byConversation }) => ({
      byConversation: {
        ...byConversation,
        [id]: { offers: withOffers(own(byConversation, id)?.offers ?? [], received), next },
      },
      nowMs: Date.now(),
    }));
    this.onChange();
    this.#scheduleExpiry();
  }

  #loadAsFarAsTimeline(id: string | null): void {
    if (id === null) return;
    const known = own(this.state.getState().byConversation, id);
    const timeline = own(this.#core.now.timelines, id);
    if (known === undefined) void this.loadMore(id);
    else if (known.next !== null && timeline !== undefined && reachesBack(known.offers, timeline))
      void this.loadMore(id);
  }

  #scheduleExpiry(): void {
    clearTimeout(this.#timer);
    const { byConversation, nowMs } = this.state.getState();
    const all = Object.values(byConversation).flatMap(({ offers }) => offers);
    const next = nextExpiry(all, nowMs);
    if (next === null) return;
    this.#timer = setTimeout(
      () => {
        this.state.setState({ nowMs: Date.now() });
        this.#scheduleExpiry();
      },
      Math.min(Math.max(0, next - Date.now()) + 1, TIMER_MAX_MS),
    );
  }
}
