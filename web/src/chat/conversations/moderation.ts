/** What whoever runs a conversation does there: members, roles, and who is kept from writing or out. */

import type { ConversationPage, MemberRole, Restriction, RestrictionPage } from "../../server/payloads";
import type { RequestError } from "../../server/request_error";
import type { Core } from "../core";
import { own } from "../own";

/** What can be changed of a group or a channel. */
export interface Rules {
  readonly name?: string;
  /** Null takes it away. */
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

/** All of these reject with `RequestError`. */
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

  /** The server took nothing of the reader there. */
  refused(conversationId: string, { code, details }: RequestError): void {
    if (code !== "muted") return;
    const until = (details as { until?: string | null } | undefined)?.until;
    // A refusal does not repeat the reason.
    const reason = own(this.#core.now.conversations, conversationId)?.mutedByModerator?.reason;
    this.#setMute(conversationId, until ?? undefined, reason);
  }

  /** The reader may write there again: a moderator says so, or the time is over. */
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

  /** Who is muted in a conversation, or banned from it: the first hundred. */
  async restricted(conversationId: string, kind: Restriction["kind"]): Promise<Restriction[]> {
    const { items } = await this.#core.api.get<RestrictionPage>(`${pathOf(conversationId, kind)}?limit=100`);
    return items;
  }

  /** A page of the public groups and channels of a name; of all of them without one. Also the one of that id. */
  findPublic(query: string, cursor: string | null = null): Promise<ConversationPage> {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#core.api.get(`conversations?query=${encodeURIComponent(query)}${from}`);
  }

  /** Whoever joins a public group or channel adds themselves. */
  join(conversationId: string): Promise<void> {
    return this.add(conversationId, [this.#core.now.me.id]);
  }
}

function pathOf(conversationId: string, kind: Restriction["kind"]): string {
  return `conversations/${encodeURIComponent(conversationId)}/${kind}s`;
}
