import { withLock } from "../secure_context_fallbacks";
import type { AccountPolicy, ErrorAnswer, ServerAnswer, SignedInAnswer, User } from "./payloads";
import { RequestError, UNREACHABLE } from "./request_error";
import { type DemoSignIn, type Session, SessionStore } from "./session";

export interface Account {
  email: string;
  password: string;
  name?: string;
  /** The code of an invitation. */
  invitation?: string;
}

const REFRESH_LOCK = "talkwire.refreshing";
/** A token with less time left is renewed before a long request. */
const FRESH_FOR_MS = 20_000;

/** The REST API below `api/v1`, with the credentials of the signed-in user. */
export class Api {
  readonly #store: SessionStore;
  readonly #base: string;

  constructor(base: string = document.baseURI, store = new SessionStore()) {
    this.#base = base;
    this.#store = store;
  }

  get session(): Session | null {
    return this.#store.read();
  }

  async register(account: Account): Promise<Session> {
    return this.#signIn("register", account);
  }

  async login(account: Account): Promise<Session> {
    return this.#signIn("login", account);
  }

  /** Signs in without a password, on a demo server. */
  async signInAsDemoUser(userId: string): Promise<Session> {
    const user = await this.#send<User>("GET", `users/me?userId=${encodeURIComponent(userId)}`, null);
    return this.#save({ user });
  }

  /** Returns the users of a demo server; `open` is false on any other server. */
  async demoSignIn(): Promise<DemoSignIn> {
    try {
      const answer = await fetch(new URL("demo.json", this.#base));
      return (await answer.json()) as DemoSignIn;
    } catch {
      return { open: false, users: [] };
    }
  }

  /** Returns who may register; "open" when the server does not answer. */
  async accountPolicy(): Promise<AccountPolicy> {
    try {
      return (await this.#send<ServerAnswer>("GET", "server", null)).accounts;
    } catch {
      return "open";
    }
  }

  /** Signs out here, and on the server if it is reachable. */
  async logout(): Promise<void> {
    if (this.session?.accessToken !== undefined) await this.post("auth/logout").catch(() => null);
    this.#store.forget();
  }

  /** Removes the session, unless another user has signed in meanwhile in another tab. */
  forget(userId: string): void {
    if (this.session?.user.id === userId) this.#store.forget();
  }

  /** Calls `changed` when another tab changes the session. Returns a function that ends this. */
  onSessionChange(changed: () => void): () => void {
    addEventListener("storage", changed);
    return () => removeEventListener("storage", changed);
  }

  get<T>(path: string): Promise<T> {
    return this.#request<T>("GET", path);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.#request<T>("POST", path, body);
  }

  put<T>(path: string, body?: unknown): Promise<T> {
    return this.#request<T>("PUT", path, body);
  }

  patch<T>(path: string, body?: unknown): Promise<T> {
    return this.#request<T>("PATCH", path, body);
  }

  delete<T>(path: string, body?: unknown): Promise<T> {
    return this.#request<T>("DELETE", path, body);
  }

  /** Uploads a small file in one request; larger ones are sent in pieces. */
  upload<T>(form: FormData): Promise<T> {
    return this.#request<T>("POST", "files", form);
  }

  /** Saves the signed-in user's new profile. */
  rememberUser(user: User): void {
    const { session } = this;
    if (session !== null && session.user.id === user.id) this.#save({ ...session, user });
  }

  /**
   * Renews the tokens. A refresh token works once, and its second use is taken for theft. So one tab renews at a time,
   * and the next uses its result.
   */
  async refresh(): Promise<Session> {
    const before = this.session;
    return withLock(REFRESH_LOCK, async () => {
      const now = this.session;
      if (now === null) throw notSignedIn();
      if (now.refreshToken === undefined || now.refreshToken !== before?.refreshToken) return now;
      const tokens = await this.#send<SignedInAnswer>("POST", "auth/refresh", null, { refreshToken: now.refreshToken });
      // A user who has signed out meanwhile stays signed out.
      if (this.session?.refreshToken !== now.refreshToken) throw notSignedIn();
      return this.#save(sessionOf(tokens));
    });
  }

  /** Returns the session with a token that is valid for some time. Rejects with `RequestError`. */
  async freshSession(): Promise<Session | null> {
    const { session } = this;
    return (session?.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now() < FRESH_FOR_MS ? this.refresh() : session;
  }

  /**
   * Returns the URL of a resource for requests without our headers: with the token in its query. `path` is relative to
   * the server's root.
   */
  authenticatedUrl(path: string): string {
    const url = new URL(path.replace(/^\//, ""), this.#base);
    // A path that somebody has made up may lead elsewhere, where no proof belongs.
    if (url.origin !== new URL(this.#base).origin) return url.href;
    const { session } = this;
    if (session?.accessToken !== undefined) url.searchParams.set("token", session.accessToken);
    else if (session !== null) url.searchParams.set("userId", session.user.id);
    return url.href;
  }

  /** Returns the largest size of a file in bytes; null when it is unknown. */
  async maxFileSize(): Promise<number | null> {
    try {
      const answer = await fetch(new URL("api/v1/files", this.#base), { method: "OPTIONS" });
      const size = Number(answer.headers.get("Tus-Max-Size") ?? Number.NaN);
      return Number.isNaN(size) ? null : size;
    } catch {
      return null;
    }
  }

  /** Deletes an uploaded file that is in no message. Ignores errors, since the server deletes it after a day. */
  async dropFile(id: string): Promise<void> {
    await this.#request("DELETE", `files/${encodeURIComponent(id)}`).catch(() => undefined);
  }

  async #signIn(way: "register" | "login", account: Account): Promise<Session> {
    return this.#save(sessionOf(await this.#send<SignedInAnswer>("POST", `auth/${way}`, null, account)));
  }

  #save(session: Session): Session {
    this.#store.keep(session);
    return session;
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.#send<T>(method, path, this.session, body);
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "token_expired") throw error;
      return this.#send<T>(method, path, await this.refresh(), body);
    }
  }

  async #send<T>(method: string, path: string, session: Session | null, body?: unknown): Promise<T> {
    const url = new URL(`api/v1/${path}`, this.#base);
    const headers: Record<string, string> = {};
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
    if (session?.accessToken !== undefined) headers.Authorization = `Bearer ${session.accessToken}`;
    else if (session !== null) url.searchParams.set("userId", session.user.id);
    let status: number;
    let answer: unknown;
    try {
      const response = await fetch(url, { method, headers, body: isForm ? body : (JSON.stringify(body) ?? null) });
      status = response.status;
      answer = status === 204 ? null : await response.json();
    } catch {
      throw new RequestError({ code: UNREACHABLE, message: "The server cannot be reached." });
    }
    if (status >= 400) {
      const { error } = answer as Partial<ErrorAnswer>;
      throw new RequestError(error ?? { code: String(status), message: "The request failed." });
    }
    return answer as T;
  }
}

function notSignedIn(): RequestError {
  return new RequestError({ code: "unauthenticated", message: "You're not signed in." });
}

function sessionOf({ accessToken, refreshToken, expiresIn, user }: SignedInAnswer): Session {
  return { user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
}
