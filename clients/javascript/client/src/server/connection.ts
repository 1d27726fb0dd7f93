import { io, type Socket } from "socket.io-client";
import { partsOf } from "./address.ts";
import { reasonOf, unreachableFor } from "./failure_reason.ts";
import { pauseAfter } from "./pauses.ts";
import type { Commands, ErrorBody } from "./payloads.ts";
import { FINAL_CODES, RequestError, unreachable } from "./request_error.ts";
import type { Rest } from "./rest.ts";

const REPLY_TIMEOUT_MS = 15_000;
/** A token is renewed this long before it expires, or when a third of its lifetime is left. */
const RENEW_BEFORE_MS = 60_000;
/** A token is not renewed earlier than this. */
const RENEW_MIN_MS = 1_000;
/** A connection that the server has closed sooner than this counts as a failed attempt. */
const STABLE_MS = 10_000;
/** The server answers within this time while there is a network. */
const CHECK_TIMEOUT_MS = 3_000;
/** The longest timeout of browsers. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface ConnectionListener {
  /** `recovered`: missed events follow; otherwise everything has to be reloaded. */
  opened(recovered: boolean): void;
  /** `why`: the reason of the transport. */
  lost(why: string): void;
  /** An attempt to connect failed; the next one follows by itself. */
  unreachable(why: RequestError): void;
  /** The server has refused the connection for now; the next attempt follows by itself. */
  refused?(why: RequestError): void;
  /** The session is over; `reason` is a code. */
  ended(reason: string): void;
  /** `offset`: the position in the log of the event, if it has one. */
  received(name: string, payload: unknown, offset: string | undefined): void;
}

type Reply<T> = ({ success: true } & T) | { success: false; error: ErrorBody };

/** The signed-in user's socket. It reconnects by itself, and recovers missed events if the server can. */
export class Connection {
  readonly #rest: Rest;
  readonly #userId: () => string;
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  #renewalTimer: ReturnType<typeof setTimeout> | undefined;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  /** Attempts to renew the token, and to connect after a refusal, that failed in a row. */
  #failedRenewals = 0;
  #refusals = 0;
  #isRefusedAgain = false;
  /** Milliseconds since 1970. */
  #openedAt = 0;
  #isClosed = false;

  /** `userId` returns the signed-in user, whose token alone is used. */
  constructor(rest: Rest, userId: () => string, listener: ConnectionListener) {
    this.#rest = rest;
    this.#userId = userId;
    this.#listener = listener;
    const [origin, path] = partsOf(rest.base);
    this.#socket = io(origin, {
      path: `${path}socket.io/`,
      transports: ["websocket", "polling"],
      autoConnect: false,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
      auth: (give) => give({ dialect: "messenger", recovery: true, ...this.#credentials() }),
    });
    this.#socket.on("connect", () => {
      this.#openedAt = Date.now();
      this.#isRefusedAgain = false;
      this.#scheduleRenewal();
      listener.opened(this.#socket.recovered);
    });
    this.#socket.on("disconnect", (reason) => {
      clearTimeout(this.#renewalTimer);
      if (Date.now() - this.#openedAt >= STABLE_MS) this.#refusals = 0;
      listener.lost(reason);
      // The library does not reconnect when the server has closed the connection.
      if (reason === "io server disconnect" && !this.#isClosed) this.#connectLater();
    });
    this.#socket.on("connect_error", (error) => void this.#connectRefused(error));
    this.#socket.onAny((name: string, payload: unknown, offset?: string) => this.#received(name, payload, offset));
  }

  open(): void {
    this.#isClosed = false;
    globalThis.addEventListener?.("offline", this.#check);
    this.#socket.connect();
  }

  /** Disconnects until `open` is called again. */
  pause(): void {
    this.#isClosed = true;
    globalThis.removeEventListener?.("offline", this.#check);
    clearTimeout(this.#renewalTimer);
    clearTimeout(this.#reconnectTimer);
    this.#socket.disconnect();
  }

  close(): void {
    this.pause();
    this.#socket.off();
    this.#socket.offAny();
  }

  /** Reconnects at once instead of waiting: the network is back, or the reader asked for it. */
  reconnectNow(): void {
    if (this.#isClosed || this.#socket.connected) return;
    clearTimeout(this.#reconnectTimer);
    // Cancels the waiting time, or an attempt that hangs.
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** Sends a command and returns the server's reply. Rejects with `RequestError`. */
  async call<Name extends keyof Commands>(
    name: Name,
    payload: Commands[Name]["payload"],
  ): Promise<Commands[Name]["reply"]> {
    if (!this.#socket.connected) throw unreachable();
    let reply: Reply<Commands[Name]["reply"]>;
    try {
      reply = (await this.#socket.timeout(REPLY_TIMEOUT_MS).emitWithAck(name, payload)) as Reply<
        Commands[Name]["reply"]
      >;
    } catch (error) {
      throw unreachableFor(this.#rest.base, (error as Error).message);
    }
    if (!reply.success) throw new RequestError(reply.error);
    return reply;
  }

  /** Sends a command without waiting for a reply. Drops it without a connection. */
  send<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    if (this.#socket.connected) this.#socket.volatile.emit(name, payload);
  }

  /**
   * Ends the connection if the server does not answer: the browser says that the network is gone, and the missing heartbeat
   * would show it only after most of a minute. The server may be on this machine, which needs no network.
   */
  readonly #check = async (): Promise<void> => {
    if (!this.#socket.connected) return;
    const { engine } = this.#socket.io;
    try {
      await this.#socket.timeout(CHECK_TIMEOUT_MS).emitWithAck("presence:get", { userIds: [] });
    } catch {
      // The library connects again by itself.
      engine.close();
    }
  };

  #credentials(): { token?: string; userId?: string; deviceId?: string } {
    const session = this.#rest.session;
    // Another tab may have signed in another user, whose token this tab must not use.
    if (session?.user.id !== this.#userId()) return {};
    const { accessToken, user } = session;
    const { deviceId } = this.#rest;
    const identity = accessToken === undefined ? { userId: user.id } : { token: accessToken };
    return { ...identity, ...(deviceId !== undefined && { deviceId }) };
  }

  #received(name: string, payload: unknown, offset: string | undefined): void {
    if (name === "session:ending") {
      const { reason, reconnect } = payload as { reason: string; reconnect: boolean };
      if (!reconnect && reason !== "token_expired") this.#listener.ended(reason);
    }
    this.#listener.received(name, payload, offset);
  }

  async #connectRefused(error: Error & { data?: { code?: string; details?: unknown } }): Promise<void> {
    // Without a code it was not the server, and the library retries by itself.
    const code = error.data?.code;
    if (code === undefined) return this.#listener.unreachable(unreachableFor(this.#rest.base, reasonOf(error)));
    const refused = new RequestError({ code, message: error.message, details: error.data?.details });
    this.#listener.refused?.(refused);
    if (code === "token_expired" || (code === "unauthenticated" && this.#mayReplaceToken())) {
      try {
        await this.#rest.refresh();
      } catch (refusal) {
        const isOver = refusal instanceof RequestError && !refusal.isTransient && !this.#isClosed;
        if (isOver) return this.#listener.ended(refusal.code);
        this.#isRefusedAgain = false;
        this.#listener.unreachable(refusal instanceof RequestError ? refusal : refused);
      }
    } else if (FINAL_CODES.has(code)) {
      return this.#listener.ended(code);
    }
    if (this.#isClosed) return;
    // A refusal says when another attempt may succeed, if the server knows it.
    this.#refusals = Math.max(this.#refusals, 1);
    this.#connectLater(refused);
  }

  /** Connects again: at once at first, and later with each refusal in a row. */
  #connectLater(refusal?: RequestError): void {
    const ms = this.#refusals === 0 ? 0 : pauseAfter(this.#refusals - 1, refusal);
    this.#refusals += 1;
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => this.#socket.connect(), ms);
  }

  /** The server may refuse an older token because its keys were changed; a second refusal in a row is final. */
  #mayReplaceToken(): boolean {
    const may = this.#rest.replacesRefusedTokens && !this.#isRefusedAgain;
    this.#isRefusedAgain = may;
    return may;
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renewalTimer);
    this.#failedRenewals = 0;
    const expiresAt = this.#rest.session?.expiresAt;
    if (expiresAt === undefined) return;
    const leftMs = Math.max(0, expiresAt - Date.now());
    this.#renewIn(Math.max(RENEW_MIN_MS, leftMs - Math.min(RENEW_BEFORE_MS, leftMs / 3)));
  }

  #renewIn(ms: number): void {
    this.#renewalTimer = setTimeout(() => void this.#renew(), Math.min(ms, TIMER_MAX_MS));
  }

  async #renew(): Promise<void> {
    try {
      const { accessToken } = await this.#rest.refresh();
      if (accessToken === undefined) return;
      void this.#rest.renewAddressToken();
      await this.call("auth:refresh", { token: accessToken });
      this.#scheduleRenewal();
    } catch (error) {
      // When the token expires, the server closes the socket, and it reconnects with a new one.
      const isOver = error instanceof RequestError && !error.isTransient && !this.#rest.replacesRefusedTokens;
      if (isOver || this.#isClosed || !this.#socket.connected) return;
      this.#renewIn(pauseAfter(this.#failedRenewals));
      this.#failedRenewals += 1;
    }
  }
}
