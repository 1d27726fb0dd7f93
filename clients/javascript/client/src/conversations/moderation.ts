/** Manages a conversation: its members, roles and restrictions. */

import type { Core } from "../core.ts";
import { uploadPicture } from "../files/pictures.ts";
import { own } from "../own.ts";
import type { ConversationPage, MemberRole, NotifyLevel, Restriction, RestrictionPage } from "../server/payloads.ts";
import type { RequestError } from "../server/request_error.ts";
import type { ConversationStore } from "./conversation_store.ts";

/** What can be changed in a group or a channel. */
export interface Rules {
  readonly name?: string;
  /** Null removes it. */
  readonly avatar?: string | null;
  readonly public?: boolean;
  readonly history?: "all" | "from-join";
  readonly slowModeS?: number;
  readonly topic?: string | null;
  readonly description?: string | null;
  /** What members are notified of who have chosen nothing; null for the default. Only for the owner. */
  readonly notify?: NotifyLevel | null;
}

export interface RestrictionLimits {
  /** Milliseconds from now; null: until it is lifted. */
  readonly forMs: number | null;
  readonly reason: string;
}

/** Manages conversations. All methods reject with `RequestError`. */
export class Moderation {
  readonly #core: Core;
  readonly #conversations: ConversationStore;

  constructor(core: Core, conversations: ConversationStore) {
    this.#core = core;
    this.#conversations = conversations;
  }

  /** Records a mute, when it is why the server refused a message. */
  refused(conversationId: string, { code, details }: RequestError): void {
    if (code !== "muted") return;
    const until = (details as { until?: string | null } | undefined)?.until;
    // An error does not repeat the reason.
    const reason = own(this.#core.now.conversations, conversationId)?.mutedByModerator?.reason;
    this.#conversations.setMute(conversationId, until ?? undefined, reason);
  }

  /** Edits a conversation. `picture`: a file that is uploaded first, and whose thumbnail becomes the picture. */
  async update(conversationId: string, rules: Rules, picture?: File): Promise<void> {
    const avatar = picture && (await uploadPicture(this.#core.rest, picture));
    await this.#core.call("conversation:update", { conversationId, ...rules, ...(avatar !== undefined && { avatar }) });
  }

  /** Reports a message to the admins of the server. */
  async report(messageId: string, reason: string, note: string): Promise<void> {
    await this.#core.call("message:report", { messageId, reason, ...(note && { note }) });
  }

  /** Reports an offer to the admins of the server. */
  async reportOffer(offerId: string, reason: string, note: string): Promise<void> {
    await this.#core.call("offer:report", { offerId, reason, ...(note && { note }) });
  }

  async delete(conversationId: string): Promise<void> {
    await this.#core.call("conversation:delete", { conversationId });
  }

  async add(conversationId: string, userIds: readonly string[]): Promise<void> {
    await this.#core.call("member:add", { conversationId, userIds });
  }

  async remove(conversationId: string, userId: string): Promise<void> {
    await this.#core.call("member:remove", { conversationId, userId });
  }

  leave(conversationId: string): Promise<void> {
    return this.remove(conversationId, this.#core.now.me.id);
  }

  async giveRole(conversationId: string, userId: string, role: MemberRole): Promise<void> {
    await this.#core.call("member:update", { conversationId, userId, role });
  }

  async restrict(
    conversationId: string,
    kind: Restriction["kind"],
    userId: string,
    limits: RestrictionLimits,
  ): Promise<void> {
    const { forMs, reason } = limits;
    await this.#core.rest.put(`${pathOf(conversationId, kind)}/${encodeURIComponent(userId)}`, {
      until: forMs === null ? null : new Date(Date.now() + forMs).toISOString(),
      reason: reason.trim() === "" ? null : reason.trim(),
    });
  }

  async lift({ conversationId, kind, userId }: Restriction): Promise<void> {
    await this.#core.rest.delete(`${pathOf(conversationId, kind)}/${encodeURIComponent(userId)}`);
  }

  /** Returns the first hundred users who are muted in a conversation or banned from it. */
  async restricted(conversationId: string, kind: Restriction["kind"]): Promise<Restriction[]> {
    const { items } = await this.#core.rest.get<RestrictionPage>(`${pathOf(conversationId, kind)}?limit=100`);
    return items;
  }

  /** Returns a page of the public groups and channels that match a name or an id; all without a query. */
  findPublic(query: string, cursor: string | null = null): Promise<ConversationPage> {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#core.rest.get(`conversations?query=${encodeURIComponent(query)}${from}`);
  }

  /** Joins a public group or channel: the reader adds themselves. */
  join(conversationId: string): Promise<void> {
    return this.add(conversationId, [this.#core.now.me.id]);
  }
}

function pathOf(conversationId: string, kind: Restriction["kind"]): string {
  return `conversations/${encodeURIComponent(conversationId)}/${kind}s`;
}
