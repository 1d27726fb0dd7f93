/** Loads the conversations that desks show when events name them for the first time. */

import type { Client } from "../client.ts";
import type { ChatPart } from "../core.ts";
import { own } from "../own.ts";
import { Unloaded } from "./unloaded.ts";
import type { Arrival, DeskView } from "./view.ts";

/** Waits this long for further events before it loads what they name. */
const PAUSE_MS = 200;
/** More conversations than this are not loaded one by one: the views are loaded again instead. */
const LOADS_MAX = 5;

/** Follows the events of all desks of a client. Loads nothing for views that nobody looks at. */
export class Arrivals implements ChatPart {
  readonly #client: Client;
  readonly #views: DeskView[] = [];
  readonly #connected: (() => void)[] = [];
  readonly #ids = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client) {
    this.#client = client;
    const { core } = client;
    new Unloaded(client);
    core.on("message:new", (message) => {
      // Notes are in no list.
      if (!("notesOf" in message)) this.#named(message.conversationId, {});
    });
    core.on("conversation:handling", ({ conversationId, handler }) =>
      this.#named(conversationId, { isMine: handler === core.now.me.id }),
    );
    core.on("desk:conversation", ({ conversationId, waitingSince, teamIds }) =>
      this.#named(conversationId, { since: waitingSince, teamIds }),
    );
    core.on("member:added", ({ conversationId, members }) => {
      const teamIds = members.find(({ userId }) => userId === core.now.me.id)?.via;
      if (teamIds !== undefined) this.#named(conversationId, { teamIds });
    });
    client.add(this);
  }

  add(view: DeskView): void {
    this.#views.push(view);
  }

  replacing(): void {
    for (const view of this.#views) view.setStale();
  }

  /** Calls `handler` after each connection. */
  onConnected(handler: () => void): void {
    this.#connected.push(handler);
  }

  connected(): void {
    this.#refresh();
    for (const handler of this.#connected) handler();
  }

  stopped(): void {
    clearTimeout(this.#timer);
  }

  #named(id: string, arrival: Arrival): void {
    if (own(this.#client.core.now.conversations, id) !== undefined) return;
    for (const view of this.#views) {
      if (!view.mayHave(arrival)) continue;
      if (view.isShown) this.#ids.add(id);
      else view.setStale();
    }
    if (this.#ids.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#load();
    }, PAUSE_MS);
  }

  #load(): void {
    const ids = [...this.#ids];
    this.#ids.clear();
    if (ids.length <= LOADS_MAX) {
      for (const id of ids) void this.#client.conversations.load(id);
      return;
    }
    this.replacing();
    this.#refresh();
  }

  #refresh(): void {
    for (const view of this.#views) if (view.isShown) void view.refresh();
  }
}
