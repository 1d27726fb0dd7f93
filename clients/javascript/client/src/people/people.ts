/** Other users, and whom the reader has blocked. */

import type { ConversationStore } from "../conversations/conversation_store.ts";
import type { ConversationsById } from "../conversations/conversations_by_id.ts";
import { withSender, withUser } from "../conversations/membership.ts";
import type { ChatPart, Core } from "../core.ts";
import { allPages } from "../server/all_pages.ts";
import type { Conversation, User } from "../server/payloads.ts";

export class People implements ChatPart {
  readonly #core: Core;
  readonly #conversations: ConversationStore;

  constructor(core: Core, conversations: ConversationStore) {
    this.#core = core;
    this.#conversations = conversations;
    core.on("user:blocked", ({ userId }) => this.#setBlocked((blocked) => [...blocked, userId]));
    core.on("user:unblocked", ({ userId }) => this.#setBlocked((blocked) => blocked.filter((id) => id !== userId)));
    core.on("user:updated", (user) =>
      core.state.setState(({ conversations, timelines, me }) => ({
        conversations: withUser(conversations, user, me.id),
        timelines: withSender(timelines, user),
      })),
    );
  }

  loaded(): void {
    void this.blocked().then(
      (users) => this.#setBlocked(() => users.map(({ id }) => id)),
      // The connection was lost; the next one loads them.
      () => undefined,
    );
  }

  /** Returns a user. Rejects with `RequestError`. */
  get(id: string): Promise<User> {
    return this.#core.rest.get(`users/${encodeURIComponent(id)}`);
  }

  /** Returns the users whom the reader has blocked. */
  blocked(): Promise<User[]> {
    return allPages(this.#core.rest, "users/me/blocks?limit=100");
  }

  /**
   * Blocks a user: neither can message the other, and their messages in groups are hidden. Rejects with `RequestError`.
   */
  async block(id: string): Promise<void> {
    await this.#core.rest.put(`users/me/blocks/${encodeURIComponent(id)}`);
  }

  async unblock(id: string): Promise<void> {
    await this.#core.rest.delete(`users/me/blocks/${encodeURIComponent(id)}`);
  }

  /**
   * Returns the id of the direct conversation with a user; creates it when there is none. Rejects with `RequestError`.
   */
  async openDirect(id: string): Promise<string> {
    const known = Object.values(this.#core.now.conversations).find((each) => isWith(each, id));
    return known?.id ?? this.#conversations.create({ kind: "direct", memberIds: [id] });
  }

  #setBlocked(change: (blocked: readonly string[]) => readonly string[]): void {
    this.#core.state.setState(({ blocked }) => ({ blocked: new Set(change([...blocked])) }));
  }
}

/** Returns whether the direct conversation with a user is loaded. */
export function hasDirectWith(conversations: ConversationsById, id: string): boolean {
  return Object.values(conversations).some((each) => isWith(each, id));
}

function isWith({ kind, members }: Conversation, id: string): boolean {
  return kind === "direct" && members?.some(({ userId }) => userId === id) === true;
}
