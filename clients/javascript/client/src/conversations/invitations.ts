/** Creates and accepts invitation links. All methods reject with `RequestError`. */

import type { Core } from "../core.ts";
import type {
  AcceptedAnswer,
  CreatedInvitation,
  Invitation,
  InvitationPage,
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
  /** The links that were created here, by the id of the invitation. */
  readonly #links = new Map<string, string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Returns the link. The server does not store it. */
  async create(conversationId: string, { forMs, maxUses }: LinkLimits): Promise<string> {
    const { id, url } = await this.#core.rest.post<CreatedInvitation>("invitations", {
      conversationIds: [conversationId],
      ...(forMs === null ? {} : { expiresAt: new Date(Date.now() + forMs).toISOString() }),
      ...(maxUses === null ? {} : { maxUses }),
    });
    this.#links.set(id, url);
    return url;
  }

  /** Returns the newest invitations to a conversation that the reader may revoke. */
  async list(conversationId: string): Promise<readonly Invitation[]> {
    const asked = new URLSearchParams({ conversationId, limit: "100" });
    return (await this.#core.rest.get<InvitationPage>(`invitations?${asked}`)).items;
  }

  /** Returns the link of an invitation that was created here since the page was loaded; undefined for others. */
  linkOf(id: string): string | undefined {
    return this.#links.get(id);
  }

  /** Revokes an invitation. Those who have joined stay. */
  async revoke(id: string): Promise<void> {
    await this.#core.rest.delete(`invitations/${encodeURIComponent(id)}`);
  }

  /** Returns what the reader would join, and is a member of already. */
  async conversationsOf(code: string): Promise<InvitedConversation[]> {
    const { rest } = this.#core;
    return (await rest.post<InvitedConversationsAnswer>("invitations/conversations", { code })).conversations;
  }

  /** Joins, and returns the ids of the joined conversations. */
  async accept(code: string): Promise<string[]> {
    const { conversations } = await this.#core.rest.post<AcceptedAnswer>("invitations/accept", { code });
    return conversations.map(({ id }) => id);
  }
}
