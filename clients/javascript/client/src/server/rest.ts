/** The REST API below `api/v1`, with the credentials of the signed-in user. */

import type { AddressTokenAnswer, User } from "./payloads.ts";
import { errorBodyOf, RequestError, unreachable } from "./request_error.ts";

/** The signed-in user and what proves it. A user of a demo server has no token. */
export interface Session {
  user: User;
  accessToken?: string;
  /** Milliseconds since 1970. */
  expiresAt?: number;
  /** Whether an OpenID provider has signed the user in. Such a user has no password here. */
  byProvider?: boolean;
  /** The token in the addresses of files. */
  forAddresses?: AddressToken;
}

/** A token that opens files by their address, and nothing else. */
export interface AddressToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly renewAt: number;
}

/** A token with less time left is renewed before a long request. */
const FRESH_FOR_MS = 20_000;
/** The part of its lifetime after which a token for addresses is renewed. */
const RENEWED_AFTER = 2 / 3;
/** After a file could not be loaded, the token is renewed at most this often. */
const REFUSED_AGAIN_MS = 60_000;
/** How long a request with a key waits for its answer. It can be sent again. */
const ANSWER_MS = 15_000;

function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
}

/** Adds the id of a demo server's user, who has no token. */
function asDemoUser(url: string, session: Session | null): string {
  return session?.accessToken === undefined && session !== null ? withParameter(url, "userId", session.user.id) : url;
}

/** Sends requests for a session. Classes that extend it say where the session comes from. */
export abstract class Rest {
  /** Ends with a slash. */
  readonly base: string;
  #renewing: Promise<void> | undefined;
  /** Milliseconds since 1970. */
  #renewedAt = 0;

  /** `base`: the URL that the server's paths are relative to. It ends with a slash. */
  constructor(base: string) {
    this.base = base;
  }

  /** Null without a signed-in user. */
  abstract get session(): Session | null;

  /** Renews the token. Rejects with `RequestError`; after a transient one a retry may succeed. */
  abstract refresh(): Promise<Session>;

  /** Whether another token may be accepted after the server has refused one that was not expired. */
  get replacesRefusedTokens(): boolean {
    return false;
  }

  /** Names this device, so that the server pushes nothing to it while it is connected. */
  get deviceId(): string | undefined {
    return undefined;
  }

  /** Names the user while the server has not said who it is, for storage only. Empty: nothing is known of the user. */
  get unconfirmedUserId(): string {
    return "";
  }

  /** Saves the signed-in user's new profile. */
  rememberUser(_user: User): void {}

  /** Saves the session's new token for addresses. */
  protected abstract keepAddressToken(token: AddressToken): void;

  /** `signal` ends a request that waits for long. */
  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.#request<T>("GET", path, undefined, undefined, signal);
  }

  /** `signal` ends a request that waits for long. */
  post<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return this.#request<T>("POST", path, body, undefined, signal);
  }

  /** Sends a request that is carried out once, however often it is sent with this key. */
  postOnce<T>(path: string, body: unknown, key: string): Promise<T> {
    return this.#request<T>("POST", path, body, key);
  }

  /** Sends a small request that outlives the page, and does not wait for an answer. */
  postBeforeEnd(path: string, body: unknown): void {
    const { url, headers } = this.#addressed(path, this.session);
    headers["Content-Type"] = "application/json";
    void fetch(url, { method: "POST", headers, body: JSON.stringify(body), keepalive: true }).catch(() => undefined);
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

  /** Returns the session with a token that is valid for some time. Rejects with `RequestError`. */
  async freshSession(): Promise<Session | null> {
    const { session } = this;
    return (session?.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now() < FRESH_FOR_MS ? this.refresh() : session;
  }

  /**
   * Fetches a token for the addresses of files, unless there is one that stays valid. `isRefused`: a file could not be
   * loaded with it. Never rejects: without a token, files are not shown.
   */
  async renewAddressToken(isRefused = false): Promise<void> {
    const { session } = this;
    if (session?.accessToken === undefined) return;
    const renewAt = isRefused ? this.#renewedAt + REFUSED_AGAIN_MS : (session.forAddresses?.renewAt ?? 0);
    if (Date.now() < renewAt) return;
    this.#renewing ??= this.#renewAddressToken(session.user.id).finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #renewAddressToken(userId: string): Promise<void> {
    try {
      const { token, expiresIn } = await this.post<AddressTokenAnswer>("users/me/address-token");
      this.#renewedAt = Date.now();
      // Another user may have signed in meanwhile.
      if (this.session?.user.id === userId)
        this.keepAddressToken({ token, renewAt: this.#renewedAt + expiresIn * 1000 * RENEWED_AFTER });
    } catch {
      // The next time that the client connects, or that a file is not loaded.
    }
  }

  /**
   * Returns the URL of a file for requests without our headers: with a token in its query that opens files only. `path`
   * is relative to the server's root.
   */
  authenticatedUrl(path: string): string {
    const below = path.replace(/^[\\/\s]+/, "");
    const isAbsolute = /^[a-z][a-z\d+.-]*:/i.test(below);
    const url = isAbsolute ? below : this.base + below;
    const origin = this.base.split("/", 3).join("/");
    // A path that somebody has made up may lead elsewhere, where no proof belongs.
    const isOwn = isAbsolute ? below.startsWith(`${origin}/`) : path.replace(/^\//, "") === below;
    if (!isOwn) return url;
    const { session } = this;
    if (session?.forAddresses !== undefined) return withParameter(url, "token", session.forAddresses.token);
    return asDemoUser(url, session);
  }

  /** Returns a signal that aborts after a time. */
  protected abortAfter(ms: number): AbortSignal {
    return AbortSignal.timeout(ms);
  }

  /**
   * Returns the error of a request without an answer of Talkwire. `failure`: what `fetch` threw, the HTTP status of
   * another answer, or undefined for a page. Classes for programs say why, which a page has no use for.
   */
  protected unreached(_failure: unknown): RequestError {
    return unreachable();
  }

  /** Deletes an uploaded file that is in no message. Ignores errors, since the server deletes it after a day. */
  async dropFile(id: string): Promise<void> {
    await this.#request("DELETE", `files/${encodeURIComponent(id)}`).catch(() => undefined);
  }

  async #request<T>(method: string, path: string, body?: unknown, key?: string, ends?: AbortSignal): Promise<T> {
    try {
      return await this.send<T>(method, path, this.session, body, key, ends);
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "token_expired") throw error;
      return this.send<T>(method, path, await this.refresh(), body, key, ends);
    }
  }

  /** Sends one request for a session, or for nobody. Rejects with `RequestError`. */
  protected async send<T>(
    method: string,
    path: string,
    session: Session | null,
    body?: unknown,
    key?: string,
    ends?: AbortSignal,
  ): Promise<T> {
    const { url, headers } = this.#addressed(path, session);
    const isForm = globalThis.FormData !== undefined && body instanceof FormData;
    if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const signal = key === undefined ? (ends ?? null) : this.abortAfter(ANSWER_MS);
    let status: number;
    let text: string;
    let answer: unknown;
    try {
      const sent = isForm ? body : (JSON.stringify(body) ?? null);
      const response = await fetch(url, { method, headers, body: sent, signal });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw this.unreached(error);
    }
    try {
      answer = status === 204 ? null : JSON.parse(text);
    } catch {
      // It is no answer of Talkwire.
    }
    if (status >= 400) {
      const error = errorBodyOf(answer);
      throw error === undefined ? this.unreached(status) : new RequestError(error);
    }
    if (answer === undefined) throw this.unreached(undefined);
    return answer as T;
  }

  /** Returns the address of a request, and the headers that say who asks. */
  #addressed(path: string, session: Session | null): { url: string; headers: Record<string, string> } {
    const headers: Record<string, string> = {};
    if (session?.accessToken !== undefined) headers.Authorization = `Bearer ${session.accessToken}`;
    return { url: asDemoUser(`${this.base}api/v1/${path}`, session), headers };
  }
}
