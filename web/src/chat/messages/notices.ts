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
  /** The conversations of which newer notices may exist than those that are loaded. */
  readonly #outdated = new Set<string>();
  readonly #reloading = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(core: PageCore) {
    this.#core = core;
    core.on("member:added", ({ conversationId }) => this.#reload(conversationId));
    core.on("member:removed", ({ conversationId }) => this.#reload(conversationId));
    core.on("member:updated", ({ conversationId }) => this.#reload(conversationId));
    core.on("conversation:updated", ({ id }) => this.#reload(id));
    core.on("offer:updated", ({ conversationId }) => this.#reload(conversationId));
    core.on("call:recorded", ({ conversationId }) => this.#reload(conversationId));
    core.on("user:updated", ({ erased }) => erased && this.#reloadAll());
    core.state.subscribe(({ openId, timelines }, before) => {
      if (openId === null) return;
      // A conversation beyond the first page of the list is known a moment after the others.
      const isNew = openId !== before.openId || own(before.conversations, openId) === undefined;
      if (isNew || own(timelines, openId) !== own(before.timelines, openId)) this.#loadAsFarAsTimeline(openId);
    });
  }

  /** Those of the open conversation stay until newer ones are here. `connected` follows. */
  loaded(): void {
    const { openId } = this.#core.now;
    for (const id of Object.keys(this.state.getState())) {
      if (id === openId) this.#outdated.add(id);
      else this.#drop(id);
    }
  }

  /** Loads what failed to load, or may have been missed, without the connection. */
  connected(): void {
    const { openId } = this.#core.now;
    if (openId !== null) this.#loadAsFarAsTimeline(openId);
  }

  /** Requests of that time may never be answered. */
  lost(): void {
    for (const id of this.#loading) this.#outdated.add(id);
    this.#loading.clear();
  }

  stopped(): void {
    for (const timer of this.#reloading.values()) clearTimeout(timer);
    this.#reloading.clear();
  }

  /** Loads the newest notices after an event. Those of other conversations are loaded when these are opened. */
  #reload(id: string): void {
    const isWanted = this.#core.now.openId === id || own(this.state.getState(), id) !== undefined;
    if (!isWanted || this.#reloading.has(id)) return;
    const timer = setTimeout(() => {
      this.#reloading.delete(id);
      const { openId, conversations } = this.#core.now;
      this.#outdated.add(id);
      // Anyone who is no longer a member may not read them.
      if (openId === id && own(conversations, id) !== undefined) this.#loadAsFarAsTimeline(id);
      // Loads them again when it is opened.
      else this.#drop(id);
    }, RELOAD_PAUSE_MS);
    this.#reloading.set(id, timer);
  }

  #reloadAll(): void {
    for (const id of Object.keys(this.state.getState())) this.#reload(id);
  }

  #drop(id: string): void {
    const { [id]: _, ...others } = this.state.getState();
    this.state.setState(others, true);
  }

  #loadAsFarAsTimeline(id: string): void {
    const { connected, conversations, timelines } = this.#core.now;
    if (!connected || own(conversations, id) === undefined || this.#loading.has(id)) return;
    const known = own(this.state.getState(), id);
    const timeline = own(timelines, id);
    if (known === undefined || this.#outdated.has(id)) void this.#load(id, "");
    else if (known.next !== null && timeline !== undefined && reachesBack(known.notices, timeline))
      void this.#load(id, `&cursor=${known.next}`);
  }

  async #load(id: string, from: string): Promise<void> {
    this.#loading.add(id);
    // An event that comes before the answer makes that outdated.
    if (from === "") this.#outdated.delete(id);
    try {
      const path = `conversations/${encodeURIComponent(id)}/notices?limit=50${from}`;
      const { items, next } = await this.#core.api.get<NoticePage>(path);
      const page = { notices: items, next };
      const before = own(this.state.getState(), id);
      const after = from === "" || before === undefined ? withNewest(before, page) : withOlder(before, page);
      this.state.setState({ [id]: after });
    } catch {
      // The next connection, opening the conversation or showing more of it tries again.
      this.#outdated.add(id);
      return;
    } finally {
      this.#loading.delete(id);
    }
    if (this.#core.now.openId === id) this.#loadAsFarAsTimeline(id);
  }
}
