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
/** A token with less time left is renewed before something longer begins. */
const FRESH_FOR_MS = 20_000;

/** REST below `api/v1`, in the name of whoever is signed in. */
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

  /** Without a password, as a demo server lets anybody. */
  async signInAsDemoUser(userId: string): Promise<Session> {
    const user = await this.#send<User>("GET", `users/me?userId=${encodeURIComponent(userId)}`, null);
    return this.#save({ user });
  }

  /** How a demo server lets people in without a password. It is not open on any other server. */
  async demoSignIn(): Promise<DemoSignIn> {
    try {
      const answer = await fetch(new URL("demo.json", this.#base));
      return (await answer.json()) as DemoSignIn;
    } catch {
      return { open: false, users: [] };
    }
  }

  /** Who may register; as long as the server does not say, anybody may try. */
  async accountPolicy(): Promise<AccountPolicy> {
    try {
      return (await this.#send<ServerAnswer>("GET", "server", null)).accounts;
    } catch {
      return "open";
    }
  }

  /** Signs out here, and on the server if it can be reached. */
  async logout(): Promise<void> {
    if (this.session?.accessToken !== undefined) await this.post("auth/logout").catch(() => null);
    this.#store.forget();
  }

  /** Unless somebody else has signed in meanwhile, in another tab. */
  forget(userId: string): void {
    if (this.session?.user.id === userId) this.#store.forget();
  }

  /** Tells when another tab has changed who is signed in, or what proves it. Answers what ends that. */
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

  delete<T>(path: string): Promise<T> {
    return this.#request<T>("DELETE", path);
  }

  /** A small file in one request; larger ones go in pieces. */
  upload<T>(form: FormData): Promise<T> {
    return this.#request<T>("POST", "files", form);
  }

  /** How whoever is signed in looks from now on. */
  rememberUser(user: User): void {
    const { session } = this;
    if (session !== null && session.user.id === user.id) this.#save({ ...session, user });
  }

  /**
   * New tokens. A refresh token is good once, and one that comes twice is taken for stolen: of all tabs one asks at a
   * time, and the next takes what that one got.
   */
  async refresh(): Promise<Session> {
    const before = this.session;
    return withLock(REFRESH_LOCK, async () => {
      const now = this.session;
      if (now === null) throw notSignedIn();
      if (now.refreshToken === undefined || now.refreshToken !== before?.refreshToken) return now;
      const tokens = await this.#send<SignedInAnswer>("POST", "auth/refresh", null, { refreshToken: now.refreshToken });
      // Whoever has signed out meanwhile stays so.
      if (this.session?.refreshToken !== now.refreshToken) throw notSignedIn();
      return this.#save(sessionOf(tokens));
    });
  }

  /** Who is signed in, with a token that is good for a while yet. Rejects with `RequestError`. */
  async freshSession(): Promise<Session | null> {
    const { session } = this;
    return (session?.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now() < FRESH_FOR_MS ? this.refresh() : session;
  }

  /**
   * Where something of the server's is, for what sends no headers of ours: the proof of who asks stands in the address.
   * `path` as the server says it, from its own root.
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

  /** How many bytes a file may have; null where nobody knows at the moment. */
  async maxFileSize(): Promise<number | null> {
    try {
      const answer = await fetch(new URL("api/v1/files", this.#base), { method: "OPTIONS" });
      const size = Number(answer.headers.get("Tus-Max-Size") ?? Number.NaN);
      return Number.isNaN(size) ? null : size;
    } catch {
      return null;
    }
  }

  /** Takes back what was uploaded and is in no message. Nobody minds when that fails: the server forgets it in a day. */
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
      throw new RequestError(error ?? { code: String(status), message: "The server refused." });
    }
    return answer as T;
  }
}

function notSignedIn(): RequestError {
  return new RequestError({ code: "unauthenticated", message: "Nobody is signed in." });
}

function sessionOf({ accessToken, refreshToken, expiresIn, user }: SignedInAnswer): Session {
  return { user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
}
