import type { User } from "./payloads";

/** The signed-in user and their tokens. A user of a demo server has no tokens. */
export interface Session {
  user: User;
  accessToken?: string;
  refreshToken?: string;
  /** Milliseconds since 1970. */
  expiresAt?: number;
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
 * Stores the session: that of an account for all tabs, that of a demo user for one tab, so that two tabs can talk to
 * each other.
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
    (session.accessToken === undefined ? this.#ofTab : this.#shared).setItem(STORAGE_KEY, JSON.stringify(session));
  }

  forget(): void {
    // A demo user's tab leaves the account of other tabs alone.
    (this.#ofTab.getItem(STORAGE_KEY) === null ? this.#shared : this.#ofTab).removeItem(STORAGE_KEY);
  }
}
