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

const KEPT_AS = "talkwire.session";

/**
 * Where the session is kept: that of an account for all tabs, that of a demo user for one tab, so that two tabs can
 * talk to each other.
 */
export class SessionKeeper {
  readonly #shared: Storage;
  readonly #own: Storage;

  constructor(shared: Storage = localStorage, own: Storage = sessionStorage) {
    this.#shared = shared;
    this.#own = own;
  }

  read(): Session | null {
    const text = this.#own.getItem(KEPT_AS) ?? this.#shared.getItem(KEPT_AS);
    try {
      return text === null ? null : (JSON.parse(text) as Session);
    } catch {
      return null;
    }
  }

  keep(session: Session): void {
    (session.accessToken === undefined ? this.#own : this.#shared).setItem(KEPT_AS, JSON.stringify(session));
  }

  forget(): void {
    // A tab of a demo user leaves other tabs' account alone.
    (this.#own.getItem(KEPT_AS) === null ? this.#shared : this.#own).removeItem(KEPT_AS);
  }
}
