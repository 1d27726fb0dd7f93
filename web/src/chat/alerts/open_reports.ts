/** How many reports wait for the reader, if they are an admin of the server. No event says so: the page asks. */

import type { ChatPart } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { isFramed } from "../../embedding/framed";
import { hasAdminRole } from "../../server/token_role";
import type { PageCore } from "../page_core";

/** So many are counted exactly. */
const COUNTED_MAX = 9;
/** How often the server is asked while nothing happens that is a reason to ask. */
const REPEAT_MS = 60_000;

export class OpenReports implements ChatPart {
  /** The number of open reports as it is shown; empty: none. */
  readonly count: StoreApi<string> = createStore<string>(() => "");
  readonly #core: PageCore;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isAsking = false;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** Whether the reader is offered the console, which decides reports. It refuses to be in a frame. */
  get hasConsole(): boolean {
    return !isFramed && hasAdminRole(this.#core.api.session?.accessToken);
  }

  started(): void {
    addEventListener("focus", this.ask);
    this.#timer = setInterval(() => {
      if (!document.hidden) this.ask();
    }, REPEAT_MS);
  }

  stopped(): void {
    removeEventListener("focus", this.ask);
    clearInterval(this.#timer);
  }

  connected(): void {
    this.ask();
  }

  /** Asks for the number. Without an answer it stays as it was. */
  readonly ask = (): void => {
    if (this.#isAsking || !this.hasConsole || !this.#core.now.connected) return;
    this.#isAsking = true;
    this.#core.rest
      .get<{ items: readonly unknown[] }>(`reports?state=open&limit=${COUNTED_MAX + 1}`)
      .then(({ items }) => this.count.setState(shown(items.length), true))
      .catch(() => undefined)
      .finally(() => {
        this.#isAsking = false;
      });
  };
}

function shown(count: number): string {
  if (count === 0) return "";
  return count > COUNTED_MAX ? `${COUNTED_MAX}+` : String(count);
}
