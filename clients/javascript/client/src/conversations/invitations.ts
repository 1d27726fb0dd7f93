/** Creates and accepts invitation links. All methods reject with `RequestError`. */

import type { Core } from "../core.ts";
import type {
  AcceptedAnswer,
  CreatedInvitation,
  InvitedConversation,
  InvitedConversationsAnswer,
} from "../server/payloads.ts";

export interface LinkLimits {
  /** Milliseconds from now; null: it does not expire. */
  readonly forMs: number | null;
  /** How many people may use it; null: any number. */
  readonly maxUses: number | null;
}

export class Invitations {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Returns the link. It cannot be read again later. */
  async create(conversationId: string, { forMs, maxUses }: LinkLimits): Promise<string> {
    const { url } = await this.#core.rest.post<CreatedInvitation>("invitations", {
      conversationIds: [conversationId],
      ...(forMs === null ? {} : { expiresAt: new Date(Date.now() + forMs).toISOString() }),
      ...(maxUses === null ? {} : { maxUses }),
    });
    return url;
  }

  /** Returns what the reader would join, and is a member of already. */
  async conversationsOf(code: string): Promise<InvitedConversation[]> {
    const path = `invitations/${encodeURIComponent(code)}/conversations`;
    return (await this.#core.rest.get<InvitedConversationsAnswer>(path)).conversations;
  }

  /** Joins, and returns the ids of the joined conversations. */
  async accept(code: string): Promise<string[]> {
    const { conversations } = await this.#core.rest.post<AcceptedAnswer>(
      `invitations/${encodeURIComponent(code)}/accept`,
    );
    return conversations.map(({ id }) => id);
  }
}
