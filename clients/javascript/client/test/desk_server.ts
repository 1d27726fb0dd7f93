/** A server with the conversations of a team, for tests of desks: it answers lists, and sends events. */

import { vi } from "vitest";
import { Client } from "../src/client.ts";
import { Core } from "../src/core.ts";
import type { DeskViewName } from "../src/desk/index.ts";
import { inOrder, isIn } from "../src/desk/places.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { Commands, Conversation } from "../src/server/payloads.ts";
import { RequestError } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";
import type { Talkwire } from "../src/talkwire.ts";
import { conversation, ME, message } from "./samples.ts";

export const TEAM = "support";

/** A conversation of the team, with a message `minute` minutes after noon. */
export function order(id: string, minute: number, changes: Partial<Conversation> = {}): Conversation {
  const lastMessage = message(minute, { id: `${id}-${minute}`, conversationId: id });
  return conversation(id, {
    lastSeq: minute,
    lastMessage,
    listed: false,
    teamIds: [TEAM],
    teams: [{ teamId: TEAM, name: "Support" }],
    handler: null,
    state: "open",
    waitingSince: lastMessage.createdAt,
    notesId: null,
    ...changes,
  });
}

/** What the tests replace `Connection` by. */
export const connection = {
  call: vi.fn(),
  receive: (() => undefined) as ConnectionListener["received"],
};

type Question = Commands["conversations:list"]["payload"];

export class DeskServer {
  readonly conversations = new Map<string, Conversation>();
  /** The requests, by what they ask. */
  readonly asked: string[] = [];
  readonly client: Client;
  readonly chat: Talkwire;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  numbers = { open: 0, unhandled: 0, oldestWaitingSince: null as string | null };
  /** What lists are refused with. */
  refusal: RequestError | null = null;

  constructor(all: readonly Conversation[] = []) {
    for (const each of all) this.conversations.set(each.id, each);
    connection.call.mockImplementation((name: string, payload: unknown) => this.#answer(name, payload));
    const rest = {
      renewAddressToken: async () => undefined,
      get: async (path: string) => {
        if (path.startsWith("users/me/blocks")) return { items: [], next: null };
        if (path === `teams/${TEAM}/numbers`) return { teamId: TEAM, ...this.numbers };
        this.asked.push(path);
        const found = this.conversations.get(path.split("/").at(-1) ?? "");
        await this.gate;
        if (found === undefined) throw new RequestError({ code: "not_found", message: path });
        return found;
      },
    } as unknown as Rest;
    const core = new Core(rest, { id: ME, name: ME, createdAt: "", kind: "person" }, {} as ConnectionListener);
    this.client = new Client(core, storesIn(new MemoryStorage()));
    this.chat = { parts: this.client } as Talkwire;
  }

  async connect(): Promise<void> {
    this.client.opened(false);
    await vi.waitUntil(() => this.client.core.now.connected);
  }

  /** Changes a conversation without an event, as while the client is not connected. */
  change(id: string, changes: Partial<Conversation>): Conversation {
    const after = { ...(this.conversations.get(id) ?? order(id, 0)), ...changes };
    this.conversations.set(id, after);
    return after;
  }

  /** Changes a conversation, and sends what the server sends: the message, who handles it, and since when one waits. */
  tell(id: string, changes: Partial<Conversation>): void {
    const before = this.conversations.get(id);
    const after = this.change(id, changes);
    const {
      conversationId,
      handler = null,
      state = "open",
      waitingSince = null,
      notesId = null,
      teamIds = [],
    } = {
      ...after,
      conversationId: id,
    };
    if (before?.handler !== handler || before?.state !== state)
      this.emit("conversation:handling", { conversationId, handler, state });
    if (after.lastMessage?.id !== before?.lastMessage?.id) this.emit("message:new", after.lastMessage);
    if (before?.waitingSince !== waitingSince || before?.notesId !== notesId)
      this.emit("desk:conversation", { conversationId, waitingSince, notesId, teamIds });
  }

  emit(name: string, payload: unknown): void {
    connection.receive(name, payload, undefined);
  }

  /** Returns the ids of a view, as the server lists it. */
  list(view: DeskViewName): string[] {
    return this.#sorted(view).map(({ id }) => id);
  }

  #messagesOf(id: string): unknown {
    const known = this.conversations.get(id);
    if (known === undefined) throw new RequestError({ code: "forbidden", message: "You are not a member." });
    return { success: true, messages: known.lastMessage ? [known.lastMessage] : [], lastSeq: known.lastSeq };
  }

  #sorted(view: DeskViewName): Conversation[] {
    const found = [...this.conversations.values()].filter((each) => isIn(view, each, TEAM, ME));
    return found.sort((one, other) => inOrder(view, one, other));
  }

  async #answer(name: string, payload: unknown): Promise<unknown> {
    if (name === "sync") return { success: true, conversations: [], cursor: "log-1" };
    if (name === "unread:get") return { success: true, messages: 0, mentions: 0, conversations: 0 };
    if (name === "messages:list") return this.#messagesOf((payload as { conversationId: string }).conversationId);
    if (name !== "conversations:list") return { success: true };
    const { order: wanted, state, handler, limit = 50, cursor } = payload as Question;
    const view =
      wanted === "waitingSince" ? "waiting" : handler === "me" ? "mine" : state === "closed" ? "closed" : "all";
    this.asked.push(view);
    if (this.refusal !== null) throw this.refusal;
    const all = this.#sorted(view);
    const [after] = cursor ? (JSON.parse(cursor) as [Conversation]) : [];
    const left = after === undefined ? all : all.filter((each) => inOrder(view, each, after) > 0);
    const page = left.slice(0, limit);
    await this.gate;
    const next = left.length > limit ? { cursor: JSON.stringify([page.at(-1)]) } : {};
    return { success: true, conversations: page, ...next };
  }
}
