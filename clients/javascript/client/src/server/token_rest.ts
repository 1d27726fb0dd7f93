/** REST for an application's users: their tokens come from the application. */

import { NOT_TALKWIRE, reasonOf, statusReason, unreachableFor } from "./failure_reason.ts";
import type { User } from "./payloads.ts";
import { RequestError, TOKEN_UNAVAILABLE } from "./request_error.ts";
import { type AddressToken, Rest, type Session } from "./rest.ts";
import { contentOf, isToken } from "./token.ts";

/** A token, or a function that fetches one from the application. */
export type TokenSource = string | (() => string | Promise<string>);

/** A function that takes longer is considered to have failed. */
const TOKEN_TIMEOUT_MS = 30_000;

const notToken = (): RequestError =>
  new RequestError({
    code: "unauthenticated",
    message: "`token` is no token: it is empty, or has a line break or a sign that is not ASCII.",
  });

export class TokenRest extends Rest {
  /** Called when the application's function fails; another attempt follows by itself. */
  onTokenError: (error: unknown) => void = () => undefined;
  readonly #deviceId: string | undefined;
  readonly #source: TokenSource;
  readonly #isAnonymous: boolean;
  #user: User;
  #token: string | undefined;
  #expiresAt: number | undefined;
  #forAddresses: AddressToken | undefined;
  #subject: string | undefined;
  #fetching: Promise<Session> | undefined;

  constructor(base: string, source: TokenSource, user: User, deviceId?: string) {
    super(base);
    this.#deviceId = deviceId;
    this.#source = source;
    this.#user = user;
    this.#isAnonymous = user.id === "";
    if (typeof source === "string") this.#keep(source);
  }

  get session(): Session | null {
    if (this.#token === undefined) return null;
    return {
      user: this.#user,
      accessToken: this.#token,
      ...(this.#expiresAt !== undefined && { expiresAt: this.#expiresAt }),
      ...(this.#forAddresses !== undefined && { forAddresses: this.#forAddresses }),
    };
  }

  /** The signed-in user, as far as is known. The id is empty until the server has said who it is. */
  get user(): User {
    return this.#user;
  }

  override get deviceId(): string | undefined {
    return this.#deviceId;
  }

  override get replacesRefusedTokens(): boolean {
    return typeof this.#source === "function";
  }

  /** The token's subject, in a form that no user's id has, since the server may know this user by another id. */
  override get unconfirmedUserId(): string {
    return this.#isAnonymous && this.#subject !== undefined ? `subject ${this.#subject}` : "";
  }

  override rememberUser(user: User): void {
    this.#user = user;
  }

  /** React Native has no `AbortSignal.timeout`. */
  protected override abortAfter(ms: number): AbortSignal {
    if ("timeout" in AbortSignal) return super.abortAfter(ms);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  }

  protected override unreached(failure: unknown): RequestError {
    // The error of the platform would repeat the token.
    if (this.#token !== undefined && !isToken(this.#token)) return notToken();
    if (failure === undefined) return unreachableFor(this.base, NOT_TALKWIRE);
    return unreachableFor(this.base, typeof failure === "number" ? statusReason(failure) : reasonOf(failure));
  }

  protected override keepAddressToken(token: AddressToken): void {
    this.#forAddresses = token;
  }

  /** Fetches the first token, if there is none. Rejects with `RequestError`. */
  async ready(): Promise<void> {
    if (this.#token === undefined) await this.refresh();
    else if (!isToken(this.#token)) throw notToken();
  }

  /** Whether the application's function is being awaited. */
  get isFetching(): boolean {
    return this.#fetching !== undefined;
  }

  /** Fetches a token. Calls at the same time share one. */
  refresh(): Promise<Session> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<Session> {
    if (typeof this.#source === "string")
      throw new RequestError({
        code: "unauthenticated",
        message: "The token has expired: pass a function as `token`, so that it can be renewed.",
      });
    try {
      const token = await withTimeout(this.#source(), TOKEN_TIMEOUT_MS);
      if (typeof token !== "string" || !isToken(token.trim()))
        throw new TypeError(
          "The token function returned no token, but nothing, or a text with a line break or a sign that is not ASCII.",
        );
      this.#keep(token.trim());
    } catch (error) {
      if (error instanceof RequestError) throw error;
      this.onTokenError(error);
      throw new RequestError({ code: TOKEN_UNAVAILABLE, message: "The token function failed.", details: error });
    }
    return this.session as Session;
  }

  #keep(token: string): void {
    const { subject, expiresAt } = contentOf(token, Date.now());
    // Messages that one user has written must never be sent as another user.
    if (this.#subject !== undefined && subject !== undefined && subject !== this.#subject)
      throw new RequestError({ code: "forbidden", message: "The new token belongs to another user." });
    this.#subject ??= subject;
    this.#token = token;
    this.#expiresAt = expiresAt;
  }
}

async function withTimeout<T>(work: T | Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The token function took too long.")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
