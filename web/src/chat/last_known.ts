/** What the page shows of the server's last answers, besides messages, after a reload without a connection. */

import type { Presence } from "@talkwire/client";
import {
  type Beside,
  type Core,
  type KeptByApplication,
  own,
  type Pins,
  type PresenceStore,
} from "@talkwire/client/parts";
import { type Alerts, unreadIn } from "./alerts/alerts";
import type { FollowedThreads } from "./messages/followed_threads";
import type { Offers } from "./offers/offers";

export interface KnownParts {
  readonly offers: Offers;
  readonly pins: Pins;
  readonly alerts: Alerts;
  readonly followedThreads: FollowedThreads;
  readonly presence: PresenceStore;
}

/**
 * What is kept beside the list of conversations: the counts at the buttons above it, the reader's own status, and the
 * position of the last event that the list includes.
 */
interface Known {
  readonly notifications: number;
  readonly threads: number;
  readonly presence: Presence | undefined;
  readonly cursor: string | null;
}

/** Returns the position that was kept; null where an earlier version has kept none. */
export const keptCursor = (saved: unknown): string | null => ((saved ?? {}) as Partial<Known>).cursor ?? null;

export class LastKnown implements KeptByApplication {
  readonly #core: Pick<Core, "cursor">;
  readonly #parts: KnownParts;
  #last: Known;

  constructor(core: Pick<Core, "cursor">, parts: KnownParts) {
    this.#core = core;
    this.#parts = parts;
    this.#last = this.more();
  }

  /** Calls `changed` when something is to be kept. */
  watch(changed: () => void): void {
    const { offers, pins, alerts, followedThreads, presence } = this.#parts;
    const compare = (): void => {
      const [before, now] = [this.#last, this.more()];
      this.#last = now;
      const isSame = before.notifications === now.notifications && before.threads === now.threads;
      if (!isSame || before.presence !== now.presence) changed();
    };
    offers.onChange = changed;
    pins.state.subscribe(changed);
    for (const { state } of [alerts, followedThreads, presence]) state.subscribe(compare);
  }

  of(id: string): Beside {
    const { offers, pins } = this.#parts;
    return { offers: offers.of(id), pins: own(pins.state.getState(), id) };
  }

  more(): Known {
    const { alerts, followedThreads, presence } = this.#parts;
    return {
      notifications: unreadIn(alerts.state.getState()),
      threads: followedThreads.state.getState().unread,
      presence: presence.mine,
      cursor: this.#core.cursor,
    };
  }

  /** Shows what was kept until the server is reachable. `saved` is undefined where an earlier version has kept nothing. */
  showSaved(saved: unknown): void {
    const { notifications = 0, threads = 0, presence }: Partial<Known> = saved ?? {};
    const { alerts, followedThreads, presence: board } = this.#parts;
    alerts.state.setState({ unread: notifications });
    followedThreads.state.setState({ unread: threads });
    if (presence !== undefined) board.state.setState({ [presence.userId]: presence });
  }
}
