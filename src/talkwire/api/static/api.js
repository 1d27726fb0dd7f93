// REST below api/v1, in the name of whoever is signed in. A sign-in lasts as long as its tab.

const KEPT_AS = "talkwire.session";

/** What the server, or the way to it, said no to: a `code` for programs, a `message` for people. */
export class Refused extends Error {
  constructor({ code, message, details }) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export class Api {
  #session = JSON.parse(sessionStorage.getItem(KEPT_AS));
  #refreshing = null;

  /** `{id, name, …}`, or undefined when nobody is signed in. */
  get user() {
    return this.#session?.user;
  }

  /** What a socket connects with. */
  get auth() {
    const { accessToken, user } = this.#session;
    return { dialect: "messenger", ...(accessToken ? { token: accessToken } : { userId: user.id }) };
  }

  /** `way` is register or login. */
  async signIn(way, account) {
    this.#keep(await this.#send("POST", `auth/${way}`, account));
  }

  /** Signs in without a password, as a demo server lets anybody. */
  async enterAs(userId) {
    this.#keep({ user: await this.#send("GET", `users/me?userId=${encodeURIComponent(userId)}`) });
  }

  /** Signs out here, and on the server if it can be reached. */
  async logout() {
    if (this.#session.accessToken) await this.request("POST", "auth/logout").catch(() => null);
    this.forget();
  }

  forget() {
    this.#session = null;
    sessionStorage.removeItem(KEPT_AS);
  }

  /** The answer's JSON. An access token that has expired is traded for a new one on the way. Raises Refused. */
  async request(method, path, body) {
    try {
      return await this.#send(method, path, body);
    } catch (error) {
      if (error.code !== "token_expired") throw error;
      await this.refresh();
      return await this.#send(method, path, body);
    }
  }

  /** New tokens. One request at a time: the server takes a refresh token that comes twice for a stolen one. */
  async refresh() {
    this.#refreshing ??= this.#send("POST", "auth/refresh", { refreshToken: this.#session?.refreshToken ?? "" })
      .then((session) => this.#session && this.#keep(session))
      .finally(() => (this.#refreshing = null));
    await this.#refreshing;
  }

  #keep(session) {
    this.#session = session;
    sessionStorage.setItem(KEPT_AS, JSON.stringify(session));
  }

  async #send(method, path, body) {
    const url = new URL(`api/v1/${path}`, document.baseURI);
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    if (this.#session?.accessToken) headers.Authorization = `Bearer ${this.#session.accessToken}`;
    else if (this.#session) url.searchParams.set("userId", this.#session.user.id);
    let status, answer;
    try {
      const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
      status = response.status;
      answer = status === 204 ? null : await response.json();
    } catch {
      throw new Refused({ code: "unreachable", message: "The server cannot be reached." });
    }
    if (status >= 400) throw new Refused(answer.error ?? { code: String(status), message: "The server refused." });
    return answer;
  }
}
