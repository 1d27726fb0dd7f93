import { io, type Socket } from "socket.io-client";
import type { Api } from "./api";
import { deviceId } from "./device_id";
import type { Commands, ErrorBody } from "./payloads";
import { RequestError, UNREACHABLE } from "./request_error";

const REPLY_TIMEOUT_MS = 15_000;
/** A token is renewed this long before it expires, or when a third of its lifetime is left. */
const RENEW_BEFORE_MS = 60_000;
/** Codes after which the client does not reconnect before the user signs in again. */
const FINAL_CODES = new Set(["unauthenticated", "banned", "forbidden"]);

export interface ConnectionListener {
  /** `recovered`: missed events follow; otherwise everything has to be reloaded. */
  opened(recovered: boolean): void;
  lost(): void;
  /** An attempt to connect failed; the next one follows by itself. */
  unreachable(): void;
  /** The session is over; `reason` is a code. */
  ended(reason: string): void;
  received(name: string, payload: unknown): void;
}

type Reply<T> = ({ success: true } & T) | { success: false; error: ErrorBody };

/** The signed-in user's socket. It reconnects by itself, and recovers missed events if the server can. */
export class Connection {
  readonly #api: Api;
  readonly #userId: string;
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  #renewalTimer: ReturnType<typeof setTimeout> | undefined;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(api: Api, userId: string, listener: ConnectionListener, base: string = document.baseURI) {
    this.#api = api;
    this.#userId = userId;
    this.#listener = listener;
    const url = new URL(base);
    this.#socket = io(url.origin, {
      path: new URL("socket.io/", url).pathname,
      transports: ["websocket", "polling"],
      autoConnect: false,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
      auth: (give) => give({ dialect: "messenger", recovery: true, ...this.#credentials() }),
    });
    this.#socket.on("connect", () => {
      this.#scheduleRenewal();
      listener.opened(this.#socket.recovered);
    });
    this.#socket.on("disconnect", (reason) => {
      listener.lost();
      // The library does not reconnect when the server has closed the connection.
      if (reason === "io server disconnect") this.#socket.connect();
    });
    this.#socket.on("connect_error", (error) => void this.#connectRefused(error));
    this.#socket.onAny((name: string, payload: unknown) => this.#received(name, payload));
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#renewalTimer);
    clearTimeout(this.#reconnectTimer);
    this.#socket.off();
    this.#socket.offAny();
    this.#socket.disconnect();
  }

  /** Reconnects at once instead of waiting: the network is back, or the reader asked for it. */
  reconnectNow(): void {
    if (this.#isClosed || this.#socket.connected) return;
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
    } catch {
      throw unreachable();
    }
    if (!reply.success) throw new RequestError(reply.error);
    return reply;
  }

  /** Sends a command without waiting for a reply. Drops it without a connection. */
  send<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    if (this.#socket.connected) this.#socket.volatile.emit(name, payload);
  }

  #credentials(): { token: string } | { userId: string; deviceId: string } | object {
    const session = this.#api.session;
    // Another tab may have signed in another user, whose token this tab must not use.
    if (session?.user.id !== this.#userId) return {};
    const { accessToken, user } = session;
    return accessToken === undefined ? { userId: user.id, deviceId: deviceId() } : { token: accessToken };
  }

  #received(name: string, payload: unknown): void {
    if (name === "session:ending") {
      const { reason, reconnect } = payload as { reason: string; reconnect: boolean };
      if (!reconnect && reason !== "token_expired") this.#listener.ended(reason);
    }
    this.#listener.received(name, payload);
  }

  async #connectRefused(error: Error & { data?: { code?: string } }): Promise<void> {
    // Without a code it was not the server, and the library retries by itself.
    const code = error.data?.code;
    if (code === undefined) return this.#listener.unreachable();
    if (code === "token_expired") {
      try {
        await this.#api.refresh();
      } catch (refusal) {
        const isOver = refusal instanceof RequestError && !refusal.isTransient && !this.#isClosed;
        if (isOver) return this.#listener.ended(refusal.code);
      }
    } else if (FINAL_CODES.has(code)) {
      return this.#listener.ended(code);
    }
    if (!this.#isClosed) this.#reconnectTimer = setTimeout(() => this.#socket.connect(), 1000);
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renewalTimer);
    const expiresAt = this.#api.session?.expiresAt;
    if (expiresAt === undefined) return;
    const leftMs = Math.max(0, expiresAt - Date.now());
    this.#renewalTimer = setTimeout(() => void this.#renew(), leftMs - Math.min(RENEW_BEFORE_MS, leftMs / 3));
  }

  async #renew(): Promise<void> {
    try {
      const { accessToken } = await this.#api.refresh();
      if (accessToken === undefined) return;
      await this.call("auth:refresh", { token: accessToken });
      this.#scheduleRenewal();
    } catch {
      // The server closes the socket when the token expires, and it reconnects with a new one.
    }
  }
}

function unreachable(): RequestError {
  return new RequestError({ code: UNREACHABLE, message: "The server cannot be reached." });
}
