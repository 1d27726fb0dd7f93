/**
 * Says that the reader is away when nothing was touched for a while, in any tab, and that they are back. The server takes
 * each tab for a device and shows a user as away when all of their devices are, so every tab says so for itself, by one
 * clock that all share. Whoever has chosen a status keeps it.
 */

import type { ChosenStatus, PresenceStatus } from "../../server/payloads";
import type { Core, Part } from "../core";
import type { PresenceBoard } from "./presence";

const IDLE_MS = 5 * 60_000;
/** So often others tabs are told that somebody is there. */
const TELL_MS = 20_000;
const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "focus"] as const;

/** What to say now; null: nothing. `shown` is what the server has, `chosen` what the reader wants. */
export function toSay(
  shown: PresenceStatus | undefined,
  chosen: ChosenStatus,
  idleMs: number,
): "online" | "away" | null {
  if (chosen !== "online" || shown === "dnd" || shown === "invisible") return null;
  return idleMs >= IDLE_MS ? "away" : "online";
}

export class Idle implements Part {
  readonly #core: Core;
  readonly #board: PresenceBoard;
  readonly #key: string;
  #touchedAt = Date.now();
  #toldAt = 0;
  #said: "online" | "away" | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tabs: BroadcastChannel | undefined;

  constructor(core: Core, board: PresenceBoard) {
    this.#core = core;
    this.#board = board;
    this.#key = `talkwire.away.${core.now.me.id}`;
  }

  started(): void {
    this.#tabs = new BroadcastChannel(this.#key);
    this.#tabs.onmessage = () => this.#touched();
    for (const name of TOUCHES) addEventListener(name, this.#touch, { passive: true });
  }

  stopped(): void {
    clearTimeout(this.#timer);
    this.#tabs?.close();
    for (const name of TOUCHES) removeEventListener(name, this.#touch);
  }

  connected(): void {
    // A new connection begins with what was set last, which may have been said when the reader was away.
    this.#said = this.#board.mine?.status === "away" ? "away" : "online";
    this.#look();
  }

  lost(): void {
    clearTimeout(this.#timer);
  }

  /** What the reader wants others to see from now on. Rejects with `Refused`. */
  async choose(status: ChosenStatus, text?: string): Promise<void> {
    const before = this.#chosen;
    // The page may be gone before the answer comes, and the others have been told by then.
    this.#chosen = status;
    try {
      await this.#board.set(status, text);
    } catch (error) {
      this.#chosen = before;
      throw error;
    }
    this.#said = status === "away" ? "away" : "online";
    this.#touched();
  }

  readonly #touch = (): void => {
    const now = Date.now();
    if (now - this.#toldAt > TELL_MS) {
      this.#toldAt = now;
      this.#tabs?.postMessage("");
    }
    this.#touched();
  };

  #touched(): void {
    this.#touchedAt = Date.now();
    if (this.#said === "away") this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    if (!this.#core.now.connected) return;
    const idleMs = Date.now() - this.#touchedAt;
    const say = toSay(this.#board.mine?.status, this.#chosen, idleMs);
    if (say !== null && say !== this.#said) {
      this.#said = say;
      // What was not taken is said again with the next connection.
      this.#board.set(say).catch(() => undefined);
    }
    this.#timer = setTimeout(() => this.#look(), idleMs < IDLE_MS ? IDLE_MS - idleMs : IDLE_MS);
  }

  get #chosen(): ChosenStatus {
    return localStorage.getItem(this.#key) === null ? "online" : "away";
  }

  set #chosen(status: ChosenStatus) {
    if (status === "away") localStorage.setItem(this.#key, "chosen");
    else localStorage.removeItem(this.#key);
  }
}
