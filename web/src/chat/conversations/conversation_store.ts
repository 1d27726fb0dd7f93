/** The reader's conversations: their list, and what is told of them. */

import type { Conversation, ConversationKind, ConversationPage, User, UserPage } from "../../server/payloads";
import { texts } from "../../texts";
import type { Core } from "../core";
import { withReceipt } from "../messages/receipts";
import { own } from "../own";
import { type ConversationsById, withConversation, withLoaded } from "./conversations_by_id";
import { withoutMember, withRole } from "./membership";

export interface NewConversation {
  readonly kind: ConversationKind;
  readonly memberIds: readonly string[];
  /** Of a group or a channel. */
  readonly name?: string;
  /** Of a group or a channel that anybody may find and join. */
  readonly public?: boolean;
  /** Whether newcomers see what was said before. */
  readonly history?: "all" | "from-join";
}

/** How long who joins is waited for before the members are read again. */
const RELOAD_PAUSE_MS = 300;

export class ConversationStore {
  readonly #core: Core;
  #loading = false;
  /** The conversations whose new members are about to be read. */
  readonly #reloading = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
    core.on("conversation:new", ({ id }) => void this.load(id));
    core.on("conversation:updated", (received) =>
      core.state.setState(({ conversations }) => ({ conversations: withConversation(conversations, received) })),
    );
    core.on("conversation:deleted", ({ conversationId }) => this.#remove(conversationId, texts.places.wasDeleted));
    core.on("conversation:unread", ({ conversationId, ...counts }) => {
      const { readSeq } = counts;
      const isMarked = readSeq !== undefined && readSeq < (own(core.now.conversations, conversationId)?.readSeq ?? 0);
      if (isMarked && core.now.openId === conversationId)
        core.state.setState({ keptUnread: conversationId, unreadAfter: readSeq });
      // What came since is being read, and would be counted for a moment.
      if (!core.isWatched(conversationId))
        core.changeConversation(conversationId, (before) => ({ ...before, ...counts }));
    });
    core.on("member:added", ({ conversationId, members }) => this.#added(conversationId, members));
    core.on("member:updated", ({ conversationId, userId, role }) => {
      core.changeConversation(conversationId, (before) => withRole(before, userId, role));
      // A mute has no effect while the reader owns the conversation, which only answers say.
      if (userId === core.now.me.id) void this.load(conversationId);
    });
    core.on("member:removed", ({ conversationId, userId, by }) => {
      const myId = core.now.me.id;
      if (userId === myId) this.#remove(conversationId, by === myId ? () => "" : texts.places.youWereRemoved);
      else core.changeConversation(conversationId, (before) => withoutMember(before, userId));
    });
    core.on("message:read:receipt", (received) =>
      core.changeConversation(received.conversationId, (before) => {
        const { readSeq = 0 } = before;
        const after = withReceipt(before, "readSeq", received);
        return received.userId === core.now.me.id && received.seq > readSeq
          ? { ...after, readSeq: received.seq }
          : after;
      }),
    );
    core.on("message:delivered:receipt", (received) =>
      core.changeConversation(received.conversationId, (before) => withReceipt(before, "deliveredSeq", received)),
    );
  }

  /** What follows the conversations that came with the state. */
  async loadMore(): Promise<void> {
    const cursor = this.#core.now.nextConversations;
    if (cursor === null || this.#loading) return;
    this.#loading = true;
    try {
      const page = await this.#core.api.get<ConversationPage>(`conversations?cursor=${encodeURIComponent(cursor)}`);
      this.#core.state.setState(({ conversations }) => ({
        conversations: { ...byId(page.items), ...conversations },
        nextConversations: page.next,
      }));
    } finally {
      this.#loading = false;
    }
  }

  /** Opens a conversation with others and answers its id. Rejects with `RequestError`. */
  async create(wanted: NewConversation): Promise<string> {
    const { conversation } = await this.#core.call("conversation:create", wanted);
    this.#put(conversation);
    return conversation.id;
  }

  /** Everything in it has been read. Rejects with `RequestError`. */
  async markRead(id: string): Promise<void> {
    await this.#core.call("message:read", { conversationId: id });
  }

  /** In all of them, as far as they are here. */
  async markAllRead(): Promise<void> {
    for (const { id, unreadCount } of Object.values(this.#core.now.conversations)) {
      if (unreadCount) await this.markRead(id);
    }
  }

  /** Those whose names begin so; without a query anybody. Rejects with `RequestError`. */
  async findUsers(query: string): Promise<User[]> {
    const { items } = await this.#core.api.get<UserPage>(`users?query=${encodeURIComponent(query)}&limit=10`);
    return items.filter((user) => user.id !== this.#core.now.me.id);
  }

  /** Answers have what events leave out: a direct one's name, the members, the counts. */
  async load(id: string): Promise<void> {
    try {
      this.#put(await this.#core.api.get<Conversation>(`conversations/${encodeURIComponent(id)}`));
    } catch {
      // Gone again, or not ours any more: an event says so.
    }
  }

  /** Many who join at once are read by one answer; where the members are not here, only their number changes. */
  #added(id: string, added: readonly { userId: string }[]): void {
    const { conversations, me } = this.#core.now;
    const before = own(conversations, id);
    if (before === undefined || added.some(({ userId }) => userId === me.id)) {
      void this.load(id);
      return;
    }
    this.#core.changeConversation(id, (now) => ({ ...now, memberCount: now.memberCount + added.length }));
    if (before.members === undefined || this.#reloading.has(id)) return;
    this.#reloading.add(id);
    setTimeout(() => {
      this.#reloading.delete(id);
      void this.load(id);
    }, RELOAD_PAUSE_MS);
  }

  #put(conversation: Conversation): void {
    this.#core.state.setState(({ conversations }) => ({
      conversations: {
        ...conversations,
        [conversation.id]: withLoaded(own(conversations, conversation.id), conversation),
      },
    }));
  }

  /** `why`: what is said of it, by its name, to who is in it at the moment. */
  #remove(id: string, why: (name: string) => string): void {
    this.#core.state.setState(({ conversations, timelines, openId, panel, notice }) => {
      const { [id]: gone, ...others } = conversations;
      const { [id]: __, ...otherTimelines } = timelines;
      const isOpen = openId === id;
      return {
        conversations: others,
        timelines: otherTimelines,
        openId: isOpen ? null : openId,
        panel: isOpen ? null : panel,
        notice: isOpen ? why(gone?.name ?? "") : notice,
      };
    });
  }
}

export function byId(conversations: readonly Conversation[]): ConversationsById {
  return Object.fromEntries(conversations.map((conversation) => [conversation.id, conversation]));
}
