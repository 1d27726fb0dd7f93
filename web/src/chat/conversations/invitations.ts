/** Links by which others come to a conversation. All of these reject with `RequestError`. */

import type { AcceptedAnswer, CreatedInvitation } from "../../server/payloads";
import type { Core } from "../core";

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

  /** The link. Nobody can read it anywhere later. */
  async create(conversationId: string, { forMs, maxUses }: LinkLimits): Promise<string> {
    const { url } = await this.#core.api.post<CreatedInvitation>("invitations", {
      conversationIds: [conversationId],
      ...(forMs === null ? {} : { expiresAt: new Date(Date.now() + forMs).toISOString() }),
      ...(maxUses === null ? {} : { maxUses }),
    });
    return url;
  }

  /** The ids of the conversations that the reader is in now. */
  async accept(code: string): Promise<string[]> {
    const { conversations } = await this.#core.api.post<AcceptedAnswer>(
      `invitations/${encodeURIComponent(code)}/accept`,
    );
    return conversations.map(({ id }) => id);
  }
}
