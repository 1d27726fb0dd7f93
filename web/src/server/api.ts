import type { ErrorBody, User } from "./payloads";
import { Refused, UNREACHABLE } from "./refused";
import { type Session, SessionKeeper } from "./session";

interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
  user: User;
}

export interface Account {
  email: string;
  password: string;
  name?: string;
}

const REFRESHING = "talkwire.refreshing";

/** REST below `api/v1`, in the name of whoever is signed in. */
export class Api {
  readonly #keeper: SessionKeeper;
  readonly #base: string;

  constructor(base: string = document.baseURI, keeper = new SessionKeeper()) {
    this.#base = base;
    this.#keeper = keeper;
  }

  get session(): Session | null {
    return this.#keeper.read();
  }

  async register(account: Account): Promise<Session> {
    return this.#signIn("register", account);
  }

  async login(account: Account): Promise<Session> {
    return this.#signIn("login", account);
  }

  /** Without a password, as a demo server lets anybody. */
  async enterAs(userId: string): Promise<Session> {
    const user = await this.#send<User>("GET", `users/me?userId=${encodeURIComponent(userId)}`, null);
    return this.#keep({ user });
  }

  /** Whom a demo server lets in so; nobody on any other. */
  async demoUsers(): Promise<string[]> {
    try {
      const answer = await fetch(new URL("demo.json", this.#base));
      return ((await answer.json()) as { users: string[] }).users;
    } catch {
      return [];
    }
  }

  /** Signs out here, and on the server if it can be reached. */
  async logout(): Promise<void> {
    if (this.session?.accessToken !== undefined) await this.post("auth/logout").catch(() => null);
    this.#keeper.forget();
  }

  forget(): void {
    this.#keeper.forget();
  }

  get<T>(path: string): Promise<T> {
    return this.#ask<T>("GET", path);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.#ask<T>("POST", path, body);
  }

  /**
   * New tokens. A refresh token is good once, and one that comes twice is taken for stolen: of all tabs one asks at a
   * time, and the next takes what that one got.
   */
  async refresh(): Promise<Session> {
    const before = this.session;
    return navigator.locks.request(REFRESHING, async () => {
      const now = this.session;
      if (now === null) throw new Refused({ code: "unauthenticated", message: "Nobody is signed in." });
      if (now.refreshToken === undefined || now.refreshToken !== before?.refreshToken) return now;
      const tokens = await this.#send<Tokens>("POST", "auth/refresh", null, { refreshToken: now.refreshToken });
      return this.#keep(sessionOf(tokens));
    });
  }

  async #signIn(way: "register" | "login", account: Account): Promise<Session> {
    return this.#keep(sessionOf(await this.#send<Tokens>("POST", `auth/${way}`, null, account)));
  }

  #keep(session: Session): Session {
    this.#keeper.keep(session);
    return session;
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.#send<T>(method, path, this.session, body);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "token_expired") throw error;
      return this.#send<T>(method, path, await this.refresh(), body);
    }
  }

  async #send<T>(method: string, path: string, session: Session | null, body?: unknown): Promise<T> {
    const url = new URL(`api/v1/${path}`, this.#base);
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (session?.accessToken !== undefined) headers.Authorization = `Bearer ${session.accessToken}`;
    else if (session !== null) url.searchParams.set("userId", session.user.id);
    let status: number;
    let answer: unknown;
    try {
      const response = await fetch(url, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
      status = response.status;
      answer = status === 204 ? null : await response.json();
    } catch {
      throw new Refused({ code: UNREACHABLE, message: "The server cannot be reached." });
    }
    if (status >= 400) {
      const { error } = answer as { error?: ErrorBody };
      throw new Refused(error ?? { code: String(status), message: "The server refused." });
    }
    return answer as T;
  }
}

function sessionOf({ accessToken, refreshToken, expiresIn, user }: Tokens): Session {
  return { user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
}
