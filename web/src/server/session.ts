import type { User } from "./payloads";

/** Who is signed in, and what proves it. A user of a demo server has no tokens. */
export interface Session {
  user: User;
  accessToken?: string;
  refreshToken?: string;
  /** Milliseconds since 1970. */
  expiresAt?: number;
}

/** Somebody whom a demo server's page offers to sign in as. */
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
 * Where the session is kept: that of an account for all tabs, that of a demo user for one tab, so that two tabs can
 * talk to each other.
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
    // A tab of a demo user leaves other tabs' account alone.
    (this.#ofTab.getItem(STORAGE_KEY) === null ? this.#shared : this.#ofTab).removeItem(STORAGE_KEY);
  }
}
