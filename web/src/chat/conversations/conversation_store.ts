/** Loads, creates and updates the reader's conversations. */

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
  /** For a group or a channel. */
  readonly name?: string;
  /** For a group or a channel that everyone can find and join. */
  readonly public?: boolean;
  /** Whether new members see earlier messages. */
  readonly history?: "all" | "from-join";
}

/** Waits this long for further members before it reloads the members. */
const RELOAD_PAUSE_MS = 300;

export class ConversationStore {
  readonly #core: Core;
  #loading = false;
  /** The conversations whose members are about to be reloaded. */
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
      // The reader is reading what arrived since, so it must not be counted for a moment.
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
    // With read receipts off, the server hides read positions of other members.
    core.on("preferences:updated", () => void this.#reloadMembers());
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

  /** Loads the next page of conversations. */
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

  /** Creates a conversation and returns its id. Rejects with `RequestError`. */
  async create(wanted: NewConversation): Promise<string> {
    const { conversation } = await this.#core.call("conversation:create", wanted);
    this.#put(conversation);
    return conversation.id;
  }

  /** Marks everything in a conversation as read. Rejects with `RequestError`. */
  async markRead(id: string): Promise<void> {
    await this.#core.call("message:read", { conversationId: id });
  }

  /** Marks all loaded conversations as read. */
  async markAllRead(): Promise<void> {
    for (const { id, unreadCount } of Object.values(this.#core.now.conversations)) {
      if (unreadCount) await this.markRead(id);
    }
  }

  /** Finds users whose names start with `query`; an empty query finds any. Rejects with `RequestError`. */
  async findUsers(query: string): Promise<User[]> {
    const { items } = await this.#core.api.get<UserPage>(`users?query=${encodeURIComponent(query)}&limit=10`);
    return items.filter((user) => user.id !== this.#core.now.me.id);
  }

  /** Loads a conversation with what events leave out: a direct one's name, the members and the counts. */
  async load(id: string): Promise<void> {
    try {
      this.#put(await this.#core.api.get<Conversation>(`conversations/${encodeURIComponent(id)}`));
    } catch {
      // It was deleted, or the reader left it: an event follows.
    }
  }

  /** One request reloads the members for many who join at once. Without loaded members only their number changes. */
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

  /** Reloads the conversations whose members are loaded. */
  async #reloadMembers(): Promise<void> {
    for (const { id, members } of Object.values(this.#core.now.conversations)) {
      if (members !== undefined) await this.load(id);
    }
  }

  #put(conversation: Conversation): void {
    this.#core.state.setState(({ conversations }) => ({
      conversations: {
        ...conversations,
        [conversation.id]: withLoaded(own(conversations, conversation.id), conversation),
      },
    }));
  }

  /** `why` returns the notice for a reader who has the conversation open, from its name. */
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
