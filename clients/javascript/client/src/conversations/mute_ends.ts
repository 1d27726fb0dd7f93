/** Ends the reader's mutes at their time: the server compares with its clock then, and sends no event. */

import type { ChatPart, Core } from "../core.ts";
import { EndTimer } from "../end_timer.ts";
import type { Conversation } from "../server/payloads.ts";
import type { ConversationStore } from "./conversation_store.ts";

export class MuteEnds implements ChatPart {
  readonly #core: Core;
  readonly #store: ConversationStore;
  readonly #timer = new EndTimer(() => this.#update());
  /** The end of each conversation's last mute. The server may show it again if its clock is behind. */
  readonly #ended = new Map<string, string>();

  constructor(core: Core, store: ConversationStore) {
    this.#core = core;
    this.#store = store;
    core.state.subscribe((now, before) => {
      if (now.conversations !== before.conversations) this.#update();
    });
  }

  stopped(): void {
    this.#timer.stop();
  }

  #update(): void {
    const now = Date.now();
    const ended: Conversation[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const conversation of Object.values(this.#core.now.conversations)) {
      if (conversation.mutedUntil === undefined) continue;
      const at = Date.parse(conversation.mutedUntil);
      if (at <= now) ended.push(conversation);
      else next = Math.min(next, at);
    }
    this.#timer.set(next);
    if (ended.length > 0) this.#end(ended);
  }

  #end(ended: readonly Conversation[]): void {
    const unmuted = ended.map(({ mutedUntil: _, ...others }) => [others.id, { ...others, muted: false }] as const);
    this.#core.state.setState(({ conversations }) => ({
      conversations: { ...conversations, ...Object.fromEntries(unmuted) },
    }));
    for (const { id, archived, mutedUntil = "" } of ended) {
      const isNew = this.#ended.get(id) !== mutedUntil;
      this.#ended.set(id, mutedUntil);
      // Messages that came meanwhile bring it back.
      if (archived && isNew) void this.#store.load(id);
    }
  }
}
