/** Manages a conversation: its members, roles and restrictions. */

import type { ConversationPage, MemberRole, Restriction, RestrictionPage } from "../../server/payloads";
import type { RequestError } from "../../server/request_error";
import type { Core } from "../core";
import { own } from "../own";

/** What can be changed in a group or a channel. */
export interface Rules {
  readonly name?: string;
  /** Null removes it. */
  readonly avatar?: string | null;
  readonly public?: boolean;
  readonly history?: "all" | "from-join";
  readonly slowModeS?: number;
}

export interface RestrictionLimits {
  /** Milliseconds from now; null: until it is lifted. */
  readonly forMs: number | null;
  readonly reason: string;
}

/** Manages conversations. All methods reject with `RequestError`. */
export class Moderation {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    core.on("member:restricted", ({ kind, conversationId, until, reason }) => {
      if (kind === "mute") this.#setMute(conversationId, until, reason);
    });
    core.on("member:unrestricted", ({ kind, conversationId }) => {
      if (kind === "mute") this.unmuted(conversationId);
    });
  }

  /** Records a mute, when it is why the server refused a message. */
  refused(conversationId: string, { code, details }: RequestError): void {
    if (code !== "muted") return;
    const until = (details as { until?: string | null } | undefined)?.until;
    // An error does not repeat the reason.
    const reason = own(this.#core.now.conversations, conversationId)?.mutedByModerator?.reason;
    this.#setMute(conversationId, until ?? undefined, reason);
  }

  /** Removes the reader's mute: a moderator lifted it, or it expired. */
  unmuted(conversationId: string): void {
    this.#core.changeConversation(conversationId, ({ mutedByModerator: _, ...others }) => others);
  }

  #setMute(conversationId: string, until: string | undefined, reason: string | undefined): void {
    const mutedByModerator = { ...(until !== undefined && { until }), ...(reason !== undefined && { reason }) };
    this.#core.changeConversation(conversationId, (before) => ({ ...before, mutedByModerator }));
  }

  async update(conversationId: string, rules: Rules): Promise<void> {
    await this.#core.call("conversation:update", { conversationId, ...rules });
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
    await this.#core.api.put(`${pathOf(conversationId, kind)}/${encodeURIComponent(userId)}`, {
      until: forMs === null ? null : new Date(Date.now() + forMs).toISOString(),
      reason: reason.trim() === "" ? null : reason.trim(),
    });
  }

  async lift({ conversationId, kind, userId }: Restriction): Promise<void> {
    await this.#core.api.delete(`${pathOf(conversationId, kind)}/${encodeURIComponent(userId)}`);
  }

  /** Returns the first hundred users who are muted in a conversation or banned from it. */
  async restricted(conversationId: string, kind: Restriction["kind"]): Promise<Restriction[]> {
    const { items } = await this.#core.api.get<RestrictionPage>(`${pathOf(conversationId, kind)}?limit=100`);
    return items;
  }

  /** Returns a page of the public groups and channels that match a name or an id; all without a query. */
  findPublic(query: string, cursor: string | null = null): Promise<ConversationPage> {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#core.api.get(`conversations?query=${encodeURIComponent(query)}${from}`);
  }

  /** Joins a public group or channel: the reader adds themselves. */
  join(conversationId: string): Promise<void> {
    return this.add(conversationId, [this.#core.now.me.id]);
  }
}

function pathOf(conversationId: string, kind: Restriction["kind"]): string {
  return `conversations/${encodeURIComponent(conversationId)}/${kind}s`;
}
