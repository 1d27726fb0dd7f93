/** The notices of conversations: who joined or left, new roles, changes, calls and answered offers. */

import type { NoticePage } from "@talkwire/client";
import type { ChatPart } from "@talkwire/client/parts";
import { own } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { PageCore } from "../page_core";
import { reachesBack } from "./extras";
import { type LoadedNotices, withNewest, withOlder } from "./notice_rules";

type ByConversation = Readonly<Record<string, LoadedNotices>>;

/** Waits this long for further events before it loads the newest notices. */
const RELOAD_PAUSE_MS = 300;

/** The server derives notices from its log, so there is no event for each: the page loads them after the others. */
export class Notices implements ChatPart {
  readonly state: StoreApi<ByConversation> = createStore<ByConversation>(() => ({}));
  readonly #core: PageCore;
  readonly #loading = new Set<string>();
  readonly #reloading = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(core: PageCore) {
    this.#core = core;
    core.on("member:added", ({ conversationId }) => this.#reload(conversationId));
    core.on("member:removed", ({ conversationId }) => this.#reload(conversationId));
    core.on("member:updated", ({ conversationId }) => this.#reload(conversationId));
    core.on("conversation:updated", ({ id }) => this.#reload(id));
    core.on("offer:updated", ({ conversationId }) => this.#reload(conversationId));
    core.on("call:recorded", ({ conversationId }) => this.#reload(conversationId));
    core.state.subscribe(({ openId, timelines, connected }, before) => {
      if (openId === null || !connected) return;
      if (openId !== before.openId || own(timelines, openId) !== own(before.timelines, openId))
        this.#loadAsFarAsTimeline(openId);
    });
  }

  loaded(): void {
    this.state.setState({}, true);
    const { openId } = this.#core.now;
    if (openId !== null) this.#loadAsFarAsTimeline(openId);
  }

  stopped(): void {
    for (const timer of this.#reloading.values()) clearTimeout(timer);
    this.#reloading.clear();
  }

  /** Loads the newest notices after an event. Those of other conversations are loaded when these are opened. */
  #reload(id: string): void {
    if (own(this.state.getState(), id) === undefined || this.#reloading.has(id)) return;
    const timer = setTimeout(() => {
      this.#reloading.delete(id);
      const { openId, conversations } = this.#core.now;
      // Whoever is no longer a member may not read them.
      if (openId === id && own(conversations, id) !== undefined) void this.#load(id, "");
      // Loads them anew when it is opened.
      else this.#drop(id);
    }, RELOAD_PAUSE_MS);
    this.#reloading.set(id, timer);
  }

  #drop(id: string): void {
    const { [id]: _, ...others } = this.state.getState();
    this.state.setState(others, true);
  }

  #loadAsFarAsTimeline(id: string): void {
    if (own(this.#core.now.conversations, id) === undefined || this.#loading.has(id)) return;
    const known = own(this.state.getState(), id);
    const timeline = own(this.#core.now.timelines, id);
    if (known === undefined) void this.#load(id, "").then(() => this.#continue(id));
    else if (known.next !== null && timeline !== undefined && reachesBack(known.notices, timeline))
      void this.#load(id, `&cursor=${known.next}`).then(() => this.#continue(id));
  }

  #continue(id: string): void {
    // After a failure, opening the conversation or showing more of it tries again.
    if (own(this.state.getState(), id) !== undefined && this.#core.now.openId === id) this.#loadAsFarAsTimeline(id);
  }

  async #load(id: string, from: string): Promise<void> {
    this.#loading.add(id);
    try {
      const path = `conversations/${encodeURIComponent(id)}/notices?limit=50${from}`;
      const { items, next } = await this.#core.api.get<NoticePage>(path);
      const page = { notices: items, next };
      const before = own(this.state.getState(), id);
      const after = from === "" || before === undefined ? withNewest(before, page) : withOlder(before, page);
      this.state.setState({ [id]: after });
    } catch {
      // The reader left the conversation, or the connection was lost.
      this.#drop(id);
    } finally {
      this.#loading.delete(id);
    }
  }
}
