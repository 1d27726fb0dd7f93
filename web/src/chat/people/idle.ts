/**
 * Sets the reader's status to away after a time without activity in any tab, and back to online. The server takes each
 * tab for a device and shows a user as away when all of their devices are. So every tab reports its own status, by a
 * clock that all tabs share. A status that the reader has chosen stays.
 */

import type { ChosenStatus, PresenceStatus } from "@talkwire/client";
import type { ChatPart, PresenceEnds, PresenceStore } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { PageCore } from "../page_core";

const IDLE_MS = 5 * 60_000;
/** How often other tabs are notified of activity. */
const BROADCAST_MS = 20_000;
const ACTIVITY_EVENTS = ["pointerdown", "pointermove", "keydown", "wheel", "focus"] as const;

/** Returns the status to send; null: none. `shown` is the server's status, `chosen` the reader's. */
export function statusToSend(
  shown: PresenceStatus | undefined,
  chosen: ChosenStatus,
  idleMs: number,
): "online" | "away" | null {
  if (chosen !== "online" || shown === "dnd" || shown === "invisible") return null;
  return idleMs >= IDLE_MS ? "away" : "online";
}

export class Idle implements ChatPart {
  /** Whether nobody has used a tab for so long that nobody reads what this one shows. */
  readonly isIdle: StoreApi<boolean> = createStore<boolean>(() => false);
  readonly #core: PageCore;
  readonly #presence: PresenceStore;
  readonly #key: string;
  #activeAt = Date.now();
  #broadcastAt = 0;
  #sentStatus: "online" | "away" | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tabs: BroadcastChannel | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(core: PageCore, presence: PresenceStore) {
    this.#core = core;
    this.#presence = presence;
    this.#key = `talkwire.away.${core.now.me.id}`;
  }

  started(): void {
    this.#tabs = new BroadcastChannel(this.#key);
    this.#tabs.onmessage = () => this.#active();
    for (const name of ACTIVITY_EVENTS) addEventListener(name, this.#onActivity, { passive: true });
    this.#unsubscribe = this.#presence.state.subscribe(() => this.#noticeAway());
    this.#update();
  }

  stopped(): void {
    clearTimeout(this.#timer);
    this.#tabs?.close();
    this.#unsubscribe?.();
    for (const name of ACTIVITY_EVENTS) removeEventListener(name, this.#onActivity);
  }

  connected(): void {
    // A new connection starts with the last status, which may be away.
    this.#sentStatus = this.#presence.mine?.status === "away" ? "away" : "online";
    this.#update();
  }

  /** Sets the status that the reader has chosen. Rejects with `RequestError`. */
  async choose(status: ChosenStatus, text?: string, ends?: PresenceEnds): Promise<void> {
    const before = this.#chosen;
    // The page may be closed before the reply arrives, when others already see the status.
    this.#chosen = status;
    try {
      await this.#presence.set(status, text, ends);
    } catch (error) {
      this.#chosen = before;
      throw error;
    }
    this.#sentStatus = status === "away" ? "away" : "online";
    this.#active();
  }

  /** The reader is away when all devices are, so this one is too: the next activity sends that it is not. */
  #noticeAway(): void {
    if (this.#presence.mine?.status === "away") this.#sentStatus = "away";
  }

  readonly #onActivity = (): void => {
    const now = Date.now();
    if (now - this.#broadcastAt > BROADCAST_MS) {
      this.#broadcastAt = now;
      this.#tabs?.postMessage("");
    }
    this.#active();
  };

  #active(): void {
    this.#activeAt = Date.now();
    if (this.#sentStatus === "away" || this.isIdle.getState()) this.#update();
  }

  #update(): void {
    clearTimeout(this.#timer);
    const idleMs = Date.now() - this.#activeAt;
    this.#timer = setTimeout(() => this.#update(), idleMs < IDLE_MS ? IDLE_MS - idleMs : IDLE_MS);
    this.isIdle.setState(idleMs >= IDLE_MS, true);
    if (!this.#core.now.connected) return;
    const status = statusToSend(this.#presence.mine?.status, this.#chosen, idleMs);
    if (status !== null && status !== this.#sentStatus) {
      this.#sentStatus = status;
      // The next connection sends it again.
      this.#presence.set(status).catch(() => undefined);
    }
  }

  get #chosen(): ChosenStatus {
    return localStorage.getItem(this.#key) === null ? "online" : "away";
  }

  set #chosen(status: ChosenStatus) {
    if (status === "away") localStorage.setItem(this.#key, "chosen");
    else localStorage.removeItem(this.#key);
  }
}
