import type { Session as ClientSession } from "@talkwire/client/parts";

/** The signed-in user and their tokens. A user of a demo server has no tokens. */
export interface Session extends ClientSession {
  refreshToken?: string;
  /** Whether the application issued the token. Such a session belongs to one tab, and no refresh token renews it. */
  byToken?: boolean;
}

/** A user whom a demo server's page offers for signing in. */
export interface DemoUser {
  id: string;
  name: string;
  role: string;
  /** A path on the server. */
  picture: string;
}

export interface DemoSignIn {
  open: boolean;
  users: readonly DemoUser[];
}

const STORAGE_KEY = "talkwire.session";

/**
 * Stores the session: that of an account for all tabs, that of a token or of a demo user for one tab, so that two tabs
 * can talk to each other.
 */
export class SessionStore {
  readonly #shared: Storage;
  readonly #ofTab: Storage;

  constructor(shared: Storage = localStorage, ofTab: Storage = sessionStorage) {
    this.#shared = shared;
    this.#ofTab = ofTab;
  }

  read(): Session | null {
    const text = this.#ofTab.getItem(STORAGE_KEY) ?? this.#shared.getItem(STORAGE_KEY);
    try {
      return text === null ? null : (JSON.parse(text) as Session);
    } catch {
      return null;
    }
  }

  keep(session: Session): void {
    const isOfTab = session.accessToken === undefined || session.byToken === true;
    (isOfTab ? this.#ofTab : this.#shared).setItem(STORAGE_KEY, JSON.stringify(session));
  }

  forget(): void {
    // A tab with a session of its own leaves the account of other tabs alone.
    (this.#ofTab.getItem(STORAGE_KEY) === null ? this.#shared : this.#ofTab).removeItem(STORAGE_KEY);
  }
}
