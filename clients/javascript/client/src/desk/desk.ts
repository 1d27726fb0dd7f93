/** The desk of a team: its numbers, its lists, and what its members do with conversations. */

import type { Client } from "../client.ts";
import { Emitter } from "../emitter.ts";
import { given } from "../given.ts";
import { own } from "../own.ts";
import { randomId } from "../platform.ts";
import type { DeskUpdated, Handling, HandlingReply, Message } from "../server/payloads.ts";
import type { Arrivals } from "./arrivals.ts";
import type { DeskViewName } from "./places.ts";
import { DeskView } from "./view.ts";

/** How many conversations of a team are open, how many of these nobody handles, and since when the first one waits. */
export type DeskNumbers = Omit<DeskUpdated, "teamId">;

/** What happens at a desk. */
export interface DeskEvents {
  /** The numbers have changed. */
  change: Desk;
}

/** What a note may have beside its text. */
export interface NoteOptions {
  /** Makes a retry by the application safe: notes with the same id are stored once. */
  readonly clientMessageId?: string;
}

/** The desk of a team of the reader. `deskOf` returns it. */
export class Desk {
  readonly teamId: string;
  readonly #client: Client;
  readonly #arrivals: Arrivals;
  readonly #views = new Map<DeskViewName, DeskView>();
  readonly #events = new Emitter<DeskEvents>();
  #numbers: DeskNumbers | undefined;

  /** @internal */
  constructor(teamId: string, client: Client, arrivals: Arrivals) {
    this.teamId = teamId;
    this.#client = client;
    this.#arrivals = arrivals;
    arrivals.onConnected(() => void this.refresh());
    client.core.on("desk:updated", ({ teamId: of, ...numbers }) => {
      if (of !== teamId) return;
      this.#show(numbers);
    });
    void this.refresh();
  }

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof DeskEvents>(name: Name, handler: (payload: DeskEvents[Name]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** The newest numbers of the team; undefined until they are loaded. */
  get numbers(): DeskNumbers | undefined {
    return this.#numbers;
  }

  /** Returns a list of the team's conversations, and loads its first page. The same name returns the same object. */
  view(name: DeskViewName): DeskView {
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    const view = new DeskView(name, this.teamId, this.#client);
    this.#views.set(name, view);
    this.#arrivals.add(view);
    return view;
  }

  /**
   * Makes the reader the handler of a conversation, and opens it. If another user handles it, that is a `conflict` with
   * `details.handler`; `from` names the user from whom it is taken over. This method and those below reject with
   * `RequestError`.
   */
  claim(conversationId: string, { from }: { readonly from?: string } = {}): Promise<Handling> {
    return this.#changed(this.#client.core.call("conversation:claim", { conversationId, ...given({ if: from }) }));
  }

  /** Makes nobody the handler of a conversation. */
  release(conversationId: string): Promise<Handling> {
    return this.#changed(this.#client.core.call("conversation:release", { conversationId }));
  }

  /**
   * Makes a member of the conversation's teams its handler, or adds a team to it. `note`: what the next handler should
   * know; customers never see it.
   */
  handOff(conversationId: string, to: string, { note }: { readonly note?: string } = {}): Promise<Handling> {
    return this.#changed(this.#client.core.call("conversation:handoff", { conversationId, to, ...given({ note }) }));
  }

  /** Closes a conversation: nobody handles it, and nobody waits. */
  close(conversationId: string): Promise<Handling> {
    return this.#changed(this.#client.core.call("conversation:close", { conversationId }));
  }

  /**
   * Writes a note about a conversation, which its teams see and customers never do, and returns it. The conversation's
   * `notesId` names the conversation with all its notes.
   */
  async sendNote(conversationId: string, content: string, options: NoteOptions = {}): Promise<Message> {
    const { clientMessageId = randomId() } = options;
    const path = `conversations/${encodeURIComponent(conversationId)}/notes`;
    const note = await this.#client.core.rest.post<Message>(path, { content, clientMessageId });
    const { notesId } = own(this.#client.core.now.conversations, conversationId) ?? {};
    if (notesId !== note.conversationId)
      this.#client.conversations.changeDesk(conversationId, { notesId: note.conversationId });
    return note;
  }

  /** @internal Loads the numbers, of which nothing is sent before they change. */
  async refresh(): Promise<void> {
    const { core } = this.#client;
    if (!core.now.connected) return;
    const before = this.#numbers;
    try {
      const path = `teams/${encodeURIComponent(this.teamId)}/numbers`;
      const { teamId: _, ...numbers } = await core.rest.get<DeskUpdated>(path);
      // Those that were sent meanwhile are newer.
      if (this.#numbers === before) this.#show(numbers);
    } catch {
      // The next change, or the next connection, brings them.
    }
  }

  #show(numbers: DeskNumbers): void {
    this.#numbers = numbers;
    this.#events.emit("change", this);
  }

  /** Shows what the server has acknowledged before the event comes. */
  async #changed(reply: Promise<HandlingReply>): Promise<Handling> {
    const { handling } = await reply;
    const { conversationId, handler, state } = handling;
    this.#client.conversations.changeDesk(conversationId, { handler, state });
    return handling;
  }
}
