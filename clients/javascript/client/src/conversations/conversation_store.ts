/** Loads, creates and updates the reader's conversations. */

import type { ClientState, Core } from "../core.ts";
import { given } from "../given.ts";
import { withReceipt } from "../messages/receipts.ts";
import { own } from "../own.ts";
import type {
  Conversation,
  ConversationKind,
  ConversationPage,
  MemberPreferences,
  Offer,
  User,
  UserPage,
} from "../server/payloads.ts";
import { type ConversationsById, withLoaded, withReceived } from "./conversations_by_id.ts";
import { withoutMember, withRole } from "./membership.ts";

export interface NewConversation {
  readonly kind: ConversationKind;
  readonly memberIds: readonly string[];
  /** For a group or a channel. */
  readonly name?: string;
  /** The teams whose members become members too, of a group or a channel. */
  readonly teamIds?: readonly string[];
  /** For a group or a channel that everyone can find and join. */
  readonly public?: boolean;
  /** Whether new members see earlier messages. */
  readonly history?: "all" | "from-join";
}

/** The preferences that a list of conversations shows. */
type ListPreferences = Pick<MemberPreferences, "muted" | "mutedUntil" | "favourite" | "archived" | "section">;

/** What only the events of a desk change of a conversation. */
type DeskState = Partial<Pick<Conversation, "handler" | "state" | "waitingSince" | "notesId" | "teamIds">>;

/** Waits this long for further members before it reloads the members. */
const RELOAD_PAUSE_MS = 300;

/** Why a conversation is not the reader's any more. */
export type RemovalReason = "deleted" | "left" | "removed";

type Change = (before: Conversation) => Conversation;

/** A request for conversations that is in flight. Its answer may not know what events say meanwhile. */
interface Load {
  /** What they say of each conversation, null if the reader is no member any more. */
  readonly changes: Map<string, Change[] | null>;
  /** The conversations that have to be loaded again after the answer. */
  readonly outdated: Set<string>;
}

export class ConversationStore {
  /** Called when a conversation was removed from the state. */
  onRemoved: (id: string, why: RemovalReason, conversation: Conversation | undefined) => void = () => undefined;
  /** Called when another device of the reader has marked messages after `readSeq` as unread. */
  onMarkedUnread: (id: string, readSeq: number) => void = () => undefined;
  readonly #core: Core;
  /** The page of conversations that is on its way. */
  #loading: Promise<void> | undefined;
  /** The newest change of each conversation's preferences, which the answer to an earlier one must not replace. */
  readonly #preferred = new Map<string, object>();
  /** The conversations whose members are about to be reloaded. */
  readonly #reloading = new Set<string>();
  /** The conversations that are being loaded, or could not be. A message of one means that the answer may be outdated. */
  readonly wanted = new Set<string>();
  readonly #loads = new Set<Load>();

  constructor(core: Core) {
    this.#core = core;
    core.on("conversation:new", ({ id }) => void this.load(id));
    core.on("conversation:updated", (received) => {
      this.#renewTeams(received.id, received.teamIds);
      this.#change(received.id, (before) => withReceived(before, received));
    });
    core.on("conversation:handling", ({ conversationId, handler, state }) =>
      this.changeDesk(conversationId, { handler, state }),
    );
    core.on("desk:conversation", ({ conversationId, waitingSince, notesId, teamIds }) => {
      this.#renewTeams(conversationId, teamIds);
      this.changeDesk(conversationId, { waitingSince, notesId, teamIds });
    });
    core.on("conversation:preferences", (preferences) => this.#show(preferences.conversationId, preferences));
    core.on("conversation:listed", ({ conversationId }) => void this.load(conversationId));
    core.on("offer:new", (offer) => {
      this.#offered(offer);
      const isMuted = own(core.now.conversations, offer.conversationId)?.muted === true;
      // It counts there too, without a notification.
      if (isMuted && offer.authorId !== core.now.me.id) void this.load(offer.conversationId);
    });
    core.on("offer:updated", (offer) => this.#offered(offer));
    // The event has no time; the answer has the notice that is shown.
    core.on("call:recorded", ({ conversationId }) => this.#reload(conversationId));
    core.on("notification", ({ type, conversationId }) => {
      if (type !== "offer") return;
      this.#outdate(conversationId);
      core.changeConversation(conversationId, (before) => ({
        ...before,
        unreadOfferCount: (before.unreadOfferCount ?? 0) + 1,
      }));
    });
    // The event names notifications, and not the conversations that they are about.
    core.on("notification:read", () => {
      for (const { id, unreadOfferCount } of Object.values(core.now.conversations)) {
        if (unreadOfferCount) void this.load(id);
      }
    });
    core.on("conversation:deleted", ({ conversationId }) => this.#remove(conversationId, "deleted"));
    core.on("conversation:unread", ({ conversationId, ...counts }) => {
      const { readSeq } = counts;
      const isMarked = readSeq !== undefined && readSeq < (own(core.now.conversations, conversationId)?.readSeq ?? 0);
      if (isMarked) {
        this.onMarkedUnread(conversationId, readSeq);
        this.#outdate(conversationId);
      }
      // The reader is reading what arrived since, so it must not be counted for a moment.
      if (!core.isWatched(conversationId))
        core.changeConversation(conversationId, (before) => ({ ...before, ...counts }));
    });
    core.on("member:added", ({ conversationId, members }) => this.#added(conversationId, members));
    core.on("member:updated", ({ conversationId, userId, role, via }) => {
      this.#change(conversationId, (before) => withRole(before, userId, role));
      // A mute has no effect while the reader owns the conversation, which only answers say.
      if (userId === core.now.me.id || via) this.#reload(conversationId);
    });
    core.on("member:removed", ({ conversationId, userId, by, via }) => {
      if (userId === core.now.me.id) this.#remove(conversationId, by === undefined ? "left" : "removed");
      else if (via) this.#reload(conversationId);
      else {
        this.#outdate(conversationId);
        this.#change(conversationId, (before) => withoutMember(before, userId));
      }
    });
    core.on("member:restricted", ({ kind, conversationId, until, reason }) => {
      if (kind === "mute") this.setMute(conversationId, until, reason);
    });
    core.on("member:unrestricted", ({ kind, conversationId }) => {
      if (kind === "mute") this.unmuted(conversationId);
    });
    // With read receipts off, the server hides read positions of other members.
    core.on("preferences:updated", () => void this.#reloadMembers());
    core.on("message:read:receipt", (received) => {
      const { conversationId, userId, seq } = received;
      this.#change(conversationId, (before) => withReceipt(before, "readSeq", received));
      if (userId !== core.now.me.id) return;
      core.changeConversation(conversationId, (before) => {
        if (seq <= (before.readSeq ?? 0)) return before;
        // Other counts follow in an event of their own, or are loaded.
        return { ...before, readSeq: seq, ...(seq >= before.lastSeq && { unreadCount: 0, mentionCount: 0 }) };
      });
    });
    core.on("message:delivered:receipt", (received) =>
      this.#change(received.conversationId, (before) => withReceipt(before, "deliveredSeq", received)),
    );
  }

  /** Loads the next page of conversations, once for all who ask meanwhile. Rejects with `RequestError`. */
  loadMore(): Promise<void> {
    this.#loading ??= this.#loadPage().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Loads all further pages, and calls `pause` before each. Stops when one cannot be loaded. */
  async loadAll(pause: () => Promise<void>): Promise<void> {
    while (this.#core.now.nextConversations !== null) {
      await pause();
      try {
        await this.loadMore();
      } catch {
        return;
      }
    }
  }

  /** Creates a conversation and returns its id. Rejects with `RequestError`. */
  async create(wanted: NewConversation): Promise<string> {
    const { conversation } = await this.#core.call("conversation:create", wanted);
    await this.loadAs(async () => [conversation]);
    return conversation.id;
  }

  /** Marks everything in a conversation as read. Rejects with `RequestError`. */
  async markRead(id: string): Promise<void> {
    await this.#core.call("message:read", { conversationId: id });
  }

  /**
   * Changes some of the reader's preferences for a conversation, here at once. `muted` without `mutedUntil` has no end.
   * Rejects with `RequestError`.
   */
  async prefer(id: string, change: Partial<MemberPreferences>): Promise<MemberPreferences> {
    const {
      muted = false,
      mutedUntil = null,
      favourite = false,
      archived = false,
      section = null,
    } = own(this.#core.now.conversations, id) ?? {};
    const before: ListPreferences = { muted, mutedUntil, favourite, archived, section };
    this.#preferred.set(id, change);
    this.#show(id, { ...before, ...(change.muted !== undefined && { mutedUntil: null }), ...change });
    try {
      const path = `conversations/${encodeURIComponent(id)}/preferences`;
      const preferences = await this.#core.rest.patch<MemberPreferences>(path, change);
      if (this.#preferred.get(id) === change) this.#show(id, preferences);
      return preferences;
    } catch (error) {
      this.#show(id, before);
      throw error;
    }
  }

  /** Finds users whose names or handles start with `query`; an empty query finds any. Rejects with `RequestError`. */
  async findUsers(query: string, limit = 10): Promise<User[]> {
    const { items } = await this.#core.rest.get<UserPage>(`users?query=${encodeURIComponent(query)}&limit=${limit}`);
    // Admins also find users to whom nobody would write: erased ones, and those that stand for the back end.
    return items.filter(
      ({ id, erased, backend }) => id !== this.#core.now.me.id && erased !== true && backend !== true,
    );
  }

  /** Loads a conversation with what events leave out: a direct one's name, the members and the counts. */
  async load(id: string): Promise<void> {
    this.wanted.add(id);
    try {
      await this.loadAs(async () => [
        await this.#core.rest.get<Conversation>(`conversations/${encodeURIComponent(id)}`),
      ]);
      this.wanted.delete(id);
    } catch {
      // It was deleted, or the reader left it: an event follows.
    }
  }

  /**
   * Loads conversations by a request, and returns them with what events have said of them meanwhile, which the answer may
   * not know. Sets `more` of the state at once with them. Rejects as the request does.
   */
  async loadAs(
    request: () => Promise<readonly Conversation[]>,
    more: Partial<ClientState> = {},
  ): Promise<readonly Conversation[]> {
    const load: Load = { changes: new Map(), outdated: new Set() };
    this.#loads.add(load);
    try {
      const loaded = (await request())
        .filter(({ id }) => load.changes.get(id) !== null)
        .map((each) => (load.changes.get(each.id) ?? []).reduce((now, change) => change(now), each));
      this.#core.state.setState(({ conversations }) => ({
        conversations: {
          ...conversations,
          ...byId(loaded.map((each) => withLoaded(own(conversations, each.id), each))),
        },
        ...more,
      }));
      for (const { id } of loaded) if (load.outdated.has(id)) this.#reload(id);
      return loaded;
    } finally {
      this.#loads.delete(load);
    }
  }

  /** Records what an event or an acknowledgement says of who handles a conversation, and of what only its teams see. */
  changeDesk(id: string, change: DeskState): void {
    this.#change(id, (before) => ({ ...before, ...change }));
  }

  /** Records what an event says, also for answers in flight, which may know it already. */
  #change(id: string, change: Change): void {
    for (const { changes } of this.#loads) {
      const known = changes.get(id);
      if (known === undefined) changes.set(id, [change]);
      else known?.push(change);
    }
    this.#core.changeConversation(id, change);
  }

  /** Has a conversation loaded again after the answers in flight: an event counts what they may have counted already. */
  #outdate(id: string): void {
    for (const { outdated } of this.#loads) outdated.add(id);
  }

  /** Records that a moderator has muted the reader. */
  setMute(id: string, until: string | undefined, reason: string | undefined): void {
    const mutedByModerator = given({ until, reason });
    this.#change(id, (before) => ({ ...before, mutedByModerator }));
  }

  /** Removes the reader's mute: a moderator lifted it, or it expired. */
  unmuted(id: string): void {
    this.#change(id, ({ mutedByModerator: _, ...others }) => others);
  }

  async #loadPage(): Promise<void> {
    const cursor = this.#core.now.nextConversations;
    if (cursor === null) return;
    const more: { nextConversations?: string | null } = {};
    await this.loadAs(async () => {
      const path = `conversations?limit=100&cursor=${encodeURIComponent(cursor)}`;
      const { items, next } = await this.#core.rest.get<ConversationPage>(path);
      more.nextConversations = next;
      return items;
    }, more);
  }

  /** One request reloads the members for many who join at once. Without loaded members only their number changes. */
  #added(id: string, added: readonly { userId: string; via?: readonly string[] }[]): void {
    const { conversations, me } = this.#core.now;
    const before = own(conversations, id);
    // Members through teams are not counted, and have thousands of conversations that are not in their lists.
    const counted = added.filter(({ via }) => !via);
    if (counted.some(({ userId }) => userId === me.id)) {
      void this.load(id);
      return;
    }
    this.#outdate(id);
    if (before === undefined) return;
    this.#core.changeConversation(id, (now) => ({ ...now, memberCount: now.memberCount + counted.length }));
    if (before.members !== undefined) this.#reload(id);
  }

  /** Only answers have the names of teams. */
  #renewTeams(id: string, teamIds: readonly string[] = []): void {
    if (String(own(this.#core.now.conversations, id)?.teamIds ?? []) !== String(teamIds)) this.#reload(id);
  }

  /** Loads a known conversation again, once for many changes at once. */
  #reload(id: string): void {
    this.#outdate(id);
    if (own(this.#core.now.conversations, id) === undefined || this.#reloading.has(id)) return;
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

  #show(id: string, { muted, mutedUntil, favourite, archived, section }: ListPreferences): void {
    this.#change(id, ({ mutedUntil: _, section: __, ...before }) => ({
      ...before,
      muted,
      // A server of the version before sends none.
      ...(mutedUntil && { mutedUntil }),
      favourite,
      archived,
      ...(section && { section }),
    }));
  }

  /** Shows an offer as the newest one of its conversation, unless a newer one is known. */
  #offered(offer: Offer): void {
    this.#core.changeConversation(offer.conversationId, (before) =>
      Number(before.lastOffer?.id ?? 0) <= Number(offer.id) ? { ...before, lastOffer: offer } : before,
    );
  }

  #remove(id: string, why: RemovalReason): void {
    this.wanted.delete(id);
    for (const { changes } of this.#loads) changes.set(id, null);
    const { [id]: gone, ...conversations } = this.#core.now.conversations;
    const { [id]: _, ...timelines } = this.#core.now.timelines;
    this.#core.state.setState({ conversations, timelines });
    this.onRemoved(id, why, gone);
  }
}

export function byId(conversations: readonly Conversation[]): ConversationsById {
  return Object.fromEntries(conversations.map((conversation) => [conversation.id, conversation]));
}
