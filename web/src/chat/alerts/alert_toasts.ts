/** Says in the page what has come in other conversations: in a toast that leads there, and to screen readers. */

import type { StoreApi } from "zustand/vanilla";
import { texts } from "../../texts";
import type { ChatState, Toast } from "../page_core";

/** Something that has come, in one line, and where. */
export interface PageAlert {
  /** The notification's id. */
  readonly id: string;
  readonly text: string;
  readonly conversationId: string;
  readonly messageId?: string | undefined;
}

/** What comes within this time after something was said is said in one sentence. */
const BURST_MS = 3_000;

export class AlertToasts {
  readonly #state: StoreApi<ChatState>;
  readonly #stopFollowing: () => void;
  /** What this burst has not said yet. */
  #unsaid: readonly PageAlert[] = [];
  /** What waits for another toast to go. */
  #unshown: readonly PageAlert[] = [];
  /** What is in the toast on the screen. */
  #shown: readonly PageAlert[] = [];
  #toast: Toast | null = null;
  #burst: ReturnType<typeof setTimeout> | undefined;

  constructor(state: StoreApi<ChatState>) {
    this.#state = state;
    this.#stopFollowing = state.subscribe(({ toast }, before) => {
      if (toast === null && before.toast !== null) this.#show();
    });
  }

  stop(): void {
    this.#stopFollowing();
    clearTimeout(this.#burst);
  }

  add(alert: PageAlert): void {
    this.#unsaid = [...this.#unsaid, alert];
    if (this.#burst === undefined) this.#say();
  }

  /** Forgets what was read meanwhile. The toast goes once all of it was. */
  read(ids: readonly string[]): void {
    const isUnread = ({ id }: PageAlert): boolean => !ids.includes(id);
    this.#unsaid = this.#unsaid.filter(isUnread);
    this.#unshown = this.#unshown.filter(isUnread);
    if (this.#isOnScreen && !this.#shown.some(isUnread)) this.#state.setState({ toast: null });
  }

  get #isOnScreen(): boolean {
    return this.#toast !== null && this.#state.getState().toast === this.#toast;
  }

  #say(): void {
    this.#burst = undefined;
    if (this.#unsaid.length === 0) return;
    const alerts = this.#unsaid;
    this.#unsaid = [];
    this.#burst = setTimeout(() => this.#say(), BURST_MS);
    this.#unshown = [...this.#unshown, ...alerts];
    this.#state.setState({ announcement: summed(alerts) });
    this.#show();
  }

  /** Another toast may offer to undo something, and is not replaced. */
  #show(): void {
    const isFree = this.#isOnScreen || this.#state.getState().toast === null;
    if (!isFree || this.#unshown.length === 0) return;
    this.#shown = [...(this.#isOnScreen ? this.#shown : []), ...this.#unshown];
    this.#unshown = [];
    const { conversationId, messageId } = this.#shown.at(-1) as PageAlert;
    this.#toast = { text: summed(this.#shown), leadsTo: { conversationId, messageId }, isNews: true };
    this.#state.setState({ toast: this.#toast });
  }
}

/** Returns the newest, and how many others there are. */
function summed(alerts: readonly PageAlert[]): string {
  const text = alerts.at(-1)?.text ?? "";
  return alerts.length > 1 ? texts.elsewhere.andOthers(text, alerts.length - 1) : text;
}
