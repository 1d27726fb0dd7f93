/** Ratings of agents' messages, as far as the reader sees them. Those of a message are loaded when it is shown. */

import type { Message, MessageRated, Rating } from "@talkwire/client";
import type { ChatPart, Core } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Chat } from "../chat";

export type GivenRating = 1 | -1 | 0;

/** The ratings by the ids of messages; null where they could not be loaded, since the reader cannot rate the message. */
type KnownRatings = ReadonlyMap<string, Rating | null>;

export class Ratings implements ChatPart {
  readonly state: StoreApi<KnownRatings> = createStore<KnownRatings>(() => new Map());
  readonly #core: Core;
  readonly #loading = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
    core.on("message:rated", (rated) => this.#rated(rated));
  }

  /** Forgets what is known: it may be outdated. */
  loaded(): void {
    this.state.setState(new Map(), true);
  }

  /** Has those loaded again that could not be loaded, perhaps because there was no connection. */
  connected(): void {
    const all = [...this.state.getState()];
    if (all.some(([, rating]) => rating === null))
      this.state.setState(new Map(all.filter(([, rating]) => rating !== null)), true);
  }

  /** Loads the ratings of a message, unless they are known. */
  async load(id: string): Promise<void> {
    if (this.state.getState().has(id) || this.#loading.has(id)) return;
    this.#loading.add(id);
    try {
      this.#set(id, await this.#core.rest.get<Rating>(`messages/${encodeURIComponent(id)}/rating`));
    } catch {
      this.#set(id, null);
    } finally {
      this.#loading.delete(id);
    }
  }

  /** Rates a message, which shows at once. Rejects with `RequestError`, and shows the former rating again. */
  async rate({ id }: Message, rating: GivenRating, comment?: string): Promise<void> {
    const before = this.state.getState().get(id) ?? null;
    this.#set(id, before === null ? { mine: rating } : ratedBy(before, rating, comment));
    try {
      const payload = { messageId: id, rating, ...(comment === undefined ? {} : { comment }) };
      const { success: _, ...now } = await this.#core.call("message:rate", payload);
      this.#set(id, now);
    } catch (error) {
      this.#set(id, before);
      throw error;
    }
  }

  #rated({ messageId, userId, rating, comment, up, down }: MessageRated): void {
    const before = this.state.getState().get(messageId);
    if (before === undefined || before === null) return;
    const isMine = userId === this.#core.now.me.id;
    const mine: Rating = { mine: isMine ? rating : before.mine };
    const why = isMine ? comment : before.comment;
    const sums = up === undefined || down === undefined ? sumsOf(before, mine.mine) : { up, down };
    this.#set(messageId, { ...mine, ...(why === undefined ? {} : { comment: why }), ...sums });
  }

  #set(id: string, rating: Rating | null): void {
    this.state.setState(new Map(this.state.getState()).set(id, rating), true);
  }
}

/** Returns what is shown after the reader has rated a message, until the server answers. */
function ratedBy(before: Rating, mine: GivenRating, comment?: string): Rating {
  return { mine, ...(comment === undefined ? {} : { comment }), ...sumsOf(before, mine) };
}

/** Returns how many have rated a message once the reader's rating is `mine`, for readers who see that. */
function sumsOf({ mine: before, up, down }: Rating, mine: number): Pick<Rating, "up" | "down"> {
  if (up === undefined || down === undefined) return {};
  const change = (rating: number): number => Number(mine === rating) - Number(before === rating);
  return { up: up + change(1), down: down + change(-1) };
}

const known = new WeakMap<Chat, Ratings>();

/** Returns the ratings of a chat, which begin with the first message of an agent that is shown. */
export function ratingsOf(chat: Chat): Ratings {
  const before = known.get(chat);
  if (before !== undefined) return before;
  const ratings = new Ratings(chat.client.core);
  chat.client.add(ratings);
  known.set(chat, ratings);
  return ratings;
}
