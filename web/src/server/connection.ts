import { io, type Socket } from "socket.io-client";
import type { Api } from "./api";
import type { Commands, ErrorBody } from "./payloads";
import { Refused, UNREACHABLE } from "./refused";

const ANSWER_MS = 15_000;
/** An access token is renewed so long before it ends, or when a third of its time is left. */
const RENEW_BEFORE_MS = 60_000;
/** Codes with which coming back makes no sense before somebody signs in again. */
const ENDS = new Set(["unauthenticated", "banned", "forbidden"]);

export interface ConnectionListener {
  /** `recovered`: what was missed comes as if nothing had happened; else everything has to be loaded afresh. */
  opened(recovered: boolean): void;
  lost(): void;
  /** An attempt to connect got no answer; the next one follows by itself. */
  unreachable(): void;
  /** The session is over; `reason` is a code. */
  ended(reason: string): void;
  told(name: string, payload: unknown): void;
}

type Answer<T> = ({ success: true } & T) | { success: false; error: ErrorBody };

/** The socket of whoever is signed in: it comes back by itself, and goes on where it was if the server can. */
export class Connection {
  readonly #api: Api;
  readonly #userId: string;
  readonly #listener: ConnectionListener;
  readonly #socket: Socket;
  #renewing: ReturnType<typeof setTimeout> | undefined;
  #returning: ReturnType<typeof setTimeout> | undefined;
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
      auth: (give) => give({ dialect: "messenger", recovery: true, ...this.#proof() }),
    });
    this.#socket.on("connect", () => {
      this.#renewInTime();
      listener.opened(this.#socket.recovered);
    });
    this.#socket.on("disconnect", (reason) => {
      listener.lost();
      // The client does not come back by itself when it was the server that closed.
      if (reason === "io server disconnect") this.#socket.connect();
    });
    this.#socket.on("connect_error", (error) => void this.#refused(error));
    this.#socket.onAny((name: string, payload: unknown) => this.#told(name, payload));
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#renewing);
    clearTimeout(this.#returning);
    this.#socket.off();
    this.#socket.offAny();
    this.#socket.disconnect();
  }

  /** Tries to come back at once, and does not wait for the next time: the network is there again, or somebody asks. */
  hurry(): void {
    if (this.#isClosed || this.#socket.connected) return;
    // What waits for its time is given up, and so is what hangs.
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** What the server answers to an event. Rejects with `Refused`. */
  async call<Name extends keyof Commands>(
    name: Name,
    payload: Commands[Name]["payload"],
  ): Promise<Commands[Name]["reply"]> {
    if (!this.#socket.connected) throw unreachable();
    let answer: Answer<Commands[Name]["reply"]>;
    try {
      answer = (await this.#socket.timeout(ANSWER_MS).emitWithAck(name, payload)) as Answer<Commands[Name]["reply"]>;
    } catch {
      throw unreachable();
    }
    if (!answer.success) throw new Refused(answer.error);
    return answer;
  }

  /** Of which nothing comes back; without a connection it is dropped. */
  tell<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    if (this.#socket.connected) this.#socket.volatile.emit(name, payload);
  }

  #proof(): { token: string } | { userId: string } | object {
    const session = this.#api.session;
    // Another tab may have signed in somebody else, in whose name nothing of this one may be said.
    if (session?.user.id !== this.#userId) return {};
    return session.accessToken === undefined ? { userId: session.user.id } : { token: session.accessToken };
  }

  #told(name: string, payload: unknown): void {
    if (name === "session:ending") {
      const { reason, reconnect } = payload as { reason: string; reconnect: boolean };
      if (!reconnect && reason !== "token_expired") this.#listener.ended(reason);
    }
    this.#listener.told(name, payload);
  }

  async #refused(error: Error & { data?: { code?: string } }): Promise<void> {
    // Without a code it was not the server: the client tries again by itself.
    const code = error.data?.code;
    if (code === undefined) return this.#listener.unreachable();
    if (code === "token_expired") {
      try {
        await this.#api.refresh();
      } catch (refusal) {
        const isOver = refusal instanceof Refused && !refusal.isPassing && !this.#isClosed;
        if (isOver) return this.#listener.ended(refusal.code);
      }
    } else if (ENDS.has(code)) {
      return this.#listener.ended(code);
    }
    if (!this.#isClosed) this.#returning = setTimeout(() => this.#socket.connect(), 1000);
  }

  #renewInTime(): void {
    clearTimeout(this.#renewing);
    const expiresAt = this.#api.session?.expiresAt;
    if (expiresAt === undefined) return;
    const leftMs = Math.max(0, expiresAt - Date.now());
    this.#renewing = setTimeout(() => void this.#renew(), leftMs - Math.min(RENEW_BEFORE_MS, leftMs / 3));
  }

  async #renew(): Promise<void> {
    try {
      const { accessToken } = await this.#api.refresh();
      if (accessToken === undefined) return;
      await this.call("auth:refresh", { token: accessToken });
      this.#renewInTime();
    } catch {
      // The server closes the socket when the token ends, and it comes back with a new one.
    }
  }
}

function unreachable(): Refused {
  return new Refused({ code: UNREACHABLE, message: "The server cannot be reached." });
}
