import type {
  AddressTokenAnswer,
  ErrorAnswer,
  InvitedConversation,
  InvitedConversationsAnswer,
  ServerAnswer,
  SignedInAnswer,
  User,
} from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { type AddressToken, Rest, withLock } from "@talkwire/client/parts";
import { deviceId } from "./device_id";
import { named } from "./erased_names";
import { type DemoSignIn, type Session, SessionStore } from "./session";
import { worded } from "./worded_error";

export interface Account {
  email: string;
  password: string;
  name?: string;
  /** The code of an invitation. */
  invitation?: string;
}

/** How long a user whose session ends waits for the server. */
const LAST_REQUEST_MS = 5_000;
const REFRESH_LOCK = "talkwire.refreshing";

/** The REST API, with the credentials of the user who has signed in to the page. */
export class Api extends Rest {
  /** Returns a new token of the application's user; null where nobody can be asked for one. */
  tokenSource: (() => Promise<string>) | null = null;
  readonly #changes = new EventTarget();
  readonly #store: SessionStore;

  constructor(base: string = document.baseURI, store = new SessionStore()) {
    super(new URL(".", base).href);
    this.#store = store;
  }

  override get session(): Session | null {
    return this.#store.read();
  }

  /** Undefined for an account: by its token the server knows the device. */
  override get deviceId(): string | undefined {
    const session = this.session;
    return session?.accessToken === undefined || session.byToken === true ? deviceId() : undefined;
  }

  async register(account: Account): Promise<Session> {
    return this.#signIn("register", account);
  }

  async login(account: Account): Promise<Session> {
    return this.#signIn("login", account);
  }

  /** Signs in without a password, on a demo server. */
  async signInAsDemoUser(userId: string): Promise<Session> {
    const user = await this.send<User>("GET", `users/me?userId=${encodeURIComponent(userId)}`, null);
    return this.#save({ user });
  }

  /** Signs in with a token of the application, for this tab only. */
  async signInWithToken(accessToken: string): Promise<Session> {
    return this.startByToken(await this.sessionOfToken(accessToken));
  }

  /** Returns the session that a token of the application would start. Changes nothing. Rejects with `RequestError`. */
  async sessionOfToken(accessToken: string): Promise<Session> {
    // Nothing of the user is sent beside a token.
    const credentials = { user: {} as User, accessToken };
    const user = await this.send<User>("GET", "users/me", credentials);
    return { user, accessToken, byToken: true, ...expiryOf(accessToken) };
  }

  /** Starts a session of `sessionOfToken`, for this tab only. */
  async startByToken(session: Session): Promise<Session> {
    return this.#started(this.#saveByToken(session));
  }

  #saveByToken(session: Session): Session {
    const before = this.session;
    const isNewer = before?.byToken === true && before.user.id === session.user.id;
    return this.#saveOf({ ...session, ...(isNewer && addressTokenOf(before)) }, before?.user.id);
  }

  /** Exchanges the sign-in that the OpenID provider has just confirmed for tokens. */
  async finishProviderSignIn(): Promise<Session> {
    const tokens = await this.send<SignedInAnswer>("POST", "auth/oidc/session", null);
    const before = this.session?.user.id;
    // A session of this tab only would hide the new one.
    this.#store.forget();
    return this.#started(this.#saveOf({ ...sessionOf(tokens), byProvider: true }, before));
  }

  /** Returns the users of a demo server; `open` is false on any other server. */
  async demoSignIn(): Promise<DemoSignIn> {
    try {
      const answer = await fetch(new URL("demo.json", this.base));
      return (await answer.json()) as DemoSignIn;
    } catch {
      return { open: false, users: [] };
    }
  }

  /** Returns the properties of the server, which need no sign-in. Rejects with `RequestError`. */
  describeServer(): Promise<ServerAnswer> {
    return this.send<ServerAnswer>("GET", "server", null);
  }

  /** Returns the conversations that an invitation leads to, before the sign-in. Rejects with `RequestError`. */
  async invitedTo(code: string): Promise<InvitedConversation[]> {
    const path = "auth/invitations/conversations";
    return (await this.send<InvitedConversationsAnswer>("POST", path, null, { code })).conversations;
  }

  /** Signs out: here at once, and on the server if it is reachable. Returns whether the server has ended the session. */
  async logout(): Promise<boolean> {
    const { session } = this;
    this.#store.forget();
    if (session?.accessToken === undefined) return true;
    const unanswered = new Promise<false>((resolve) => setTimeout(() => resolve(false), LAST_REQUEST_MS));
    return Promise.race([this.#endOnServer(session), unanswered]);
  }

  async #endOnServer(session: Session): Promise<boolean> {
    try {
      // The user may close the page at once.
      const answer = await fetch(new URL("api/v1/auth/logout", this.base), {
        method: "POST",
        headers: { Authorization: `Bearer ${session.accessToken}` },
        keepalive: true,
      });
      const { refreshToken } = session;
      if (answer.status !== 401) return answer.status < 500 && answer.status !== 429;
      const { code } = ((await answer.json()) as ErrorAnswer).error;
      if (code !== "token_expired" || refreshToken === undefined) return true;
      const tokens = await this.send<SignedInAnswer>("POST", "auth/refresh", null, { refreshToken });
      await this.send("POST", "auth/logout", sessionOf(tokens));
      return true;
    } catch (error) {
      return error instanceof RequestError && !error.isTransient;
    }
  }

  /**
   * Returns why the server refuses the user, once it has ended the session; undefined if it does not say. The session of
   * the call's start is asked for: another tab may remove it meanwhile.
   */
  async refusal(): Promise<string | undefined> {
    const unanswered = new Promise<undefined>((resolve) => setTimeout(resolve, LAST_REQUEST_MS, undefined));
    const refused = this.send<User>("GET", "users/me", this.session).then(
      () => undefined,
      (error: RequestError) => (error.code === "banned" ? error.message : undefined),
    );
    return Promise.race([refused, unanswered]);
  }

  /** Removes the session, unless another user has signed in meanwhile in another tab. */
  forget(userId: string): void {
    if (this.session?.user.id === userId) this.#store.forget();
  }

  /** Calls `changed` when another tab, or the application's token, changes the user. Returns a function that ends this. */
  onSessionChange(changed: () => void): () => void {
    addEventListener("storage", changed);
    this.#changes.addEventListener("change", changed);
    return () => {
      removeEventListener("storage", changed);
      this.#changes.removeEventListener("change", changed);
    };
  }

  /** Saves the signed-in user's new profile. */
  override rememberUser(user: User): void {
    const { session } = this;
    if (session !== null && session.user.id === user.id) this.#save({ ...session, user });
  }

  protected override keepAddressToken(forAddresses: AddressToken): void {
    const { session } = this;
    if (session !== null) this.#save({ ...session, forAddresses });
  }

  /** Returns the address of an export, which has to be opened within a minute. Rejects with `RequestError`. */
  async exportUrl(path: string): Promise<string> {
    const { session } = this;
    if (session?.accessToken === undefined) return this.authenticatedUrl(path);
    const { token } = await this.post<AddressTokenAnswer>("users/me/address-token", { purpose: "export" });
    const url = new URL(path, this.base);
    url.searchParams.set("token", token);
    return url.href;
  }

  /**
   * Renews the tokens. A refresh token works once, and its second use is taken for theft. So one tab renews at a time,
   * and the next uses its result.
   */
  override async refresh(): Promise<Session> {
    const before = this.session;
    if (before?.byToken === true) return this.#renewToken();
    return withLock(REFRESH_LOCK, async () => {
      const now = this.session;
      if (now === null) throw notSignedIn();
      if (now.refreshToken === undefined || now.refreshToken !== before?.refreshToken) return now;
      const tokens = await this.send<SignedInAnswer>("POST", "auth/refresh", null, { refreshToken: now.refreshToken });
      // A user who has signed out meanwhile stays signed out.
      if (this.session?.refreshToken !== now.refreshToken) throw notSignedIn();
      const { byProvider } = now;
      return this.#save({ ...sessionOf(tokens), ...addressTokenOf(now), ...(byProvider === true && { byProvider }) });
    });
  }

  override async freshSession(): Promise<Session | null> {
    const { session } = this;
    return session?.byToken === true && this.tokenSource === null ? session : super.freshSession();
  }

  protected override async send<T>(...request: Parameters<Rest["send"]>): Promise<T> {
    try {
      return named(await super.send<T>(...request));
    } catch (error) {
      throw worded(error);
    }
  }

  async #signIn(way: "register" | "login", account: Account): Promise<Session> {
    return this.#started(this.#save(sessionOf(await this.send<SignedInAnswer>("POST", `auth/${way}`, null, account))));
  }

  /** Fetches what the first pictures of a new session need. */
  async #started(session: Session): Promise<Session> {
    await this.renewAddressToken();
    return session;
  }

  /** Asks the application for the next token. Without a new one the session is over when the token expires. */
  async #renewToken(): Promise<Session> {
    if (this.tokenSource === null) throw notSignedIn();
    try {
      return this.#saveByToken(await this.sessionOfToken(await this.tokenSource()));
    } catch (error) {
      // The application has no newer one.
      throw error instanceof RequestError && error.code === "token_expired" ? notSignedIn() : error;
    }
  }

  /** Saves a session, and says when it is of another user than `before`. */
  #saveOf(session: Session, before: string | undefined): Session {
    this.#save(session);
    if (before !== undefined && before !== session.user.id) this.#changes.dispatchEvent(new Event("change"));
    return session;
  }

  #save(session: Session): Session {
    this.#store.keep(session);
    return session;
  }
}

function notSignedIn(): RequestError {
  return new RequestError({ code: "unauthenticated", message: "You're not signed in." });
}

function addressTokenOf({ forAddresses }: Session): Pick<Session, "forAddresses"> {
  return forAddresses === undefined ? {} : { forAddresses };
}

/** Returns when a JWT expires; nothing for any other token. The server decides. */
function expiryOf(token: string): { expiresAt?: number } {
  try {
    const claims = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    const { exp } = JSON.parse(atob(claims)) as { exp?: unknown };
    return typeof exp === "number" ? { expiresAt: exp * 1000 } : {};
  } catch {
    return {};
  }
}

function sessionOf({ accessToken, refreshToken, expiresIn, user }: SignedInAnswer): Session {
  return { user, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
}
