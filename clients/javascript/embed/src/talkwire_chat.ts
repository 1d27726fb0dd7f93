/** The element. It shows the web client in a frame, and exchanges messages with that frame and no other. */

import { FrameToken, type TokenSource } from "./frame_token.ts";

export type Theme = "light" | "dark" | "system";

/** `connecting` until the conversations are loaded; `ended`: the frame shows why there is no session. */
export type ChatState = "connecting" | "online" | "offline" | "ended";

export interface TalkwireChatEvents {
  /** The number of unread messages has changed. */
  "talkwire:unread": CustomEvent<{ count: number }>;
  "talkwire:state": CustomEvent<{ state: ChatState }>;
  /** The token function has failed, or the frame does not answer. */
  "talkwire:error": CustomEvent<{ error: Error }>;
}

type MessageFromFrame =
  | { type: "talkwire:token-please" }
  | { type: "talkwire:unread"; count: number }
  | { type: "talkwire:state"; state: ChatState };

const SILENCE_MS = 15_000;
const STYLE = `
  :host { display: block; block-size: 600px; max-block-size: 100%; overflow: hidden; }
  :host([hidden]) { display: none; }
  iframe { display: block; inline-size: 100%; block-size: 100%; border: 0; }
`;

// On a server that renders pages there are no elements, and the class is only a name there.
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

export class TalkwireChat extends Base {
  static readonly observedAttributes = ["server", "language", "conversation", "theme", "compact", "label"];

  readonly #token = new FrameToken();
  #frame: HTMLIFrameElement | null = null;
  /** Whether the frame has asked for a token, and so receives messages. */
  #isListening = false;
  /** Attributes that have changed since the frame was loaded, and that it does not know yet. */
  readonly #changed = new Set<string>();
  #silence: ReturnType<typeof setTimeout> | undefined;
  #state: ChatState = "connecting";
  #unreadCount = 0;

  constructor() {
    super();
    this.#token.onToken = (token) => this.#post({ type: "talkwire:token", token });
    this.#token.onError = (error) => this.#failed(error);
  }

  /** The address of the Talkwire server, such as `https://chat.example.com` or `/chat`. */
  get server(): string {
    return this.getAttribute("server") ?? "";
  }

  set server(address: string) {
    this.setAttribute("server", address);
  }

  /** The id of the conversation that is open at first; null: the list. */
  get conversation(): string | null {
    return this.getAttribute("conversation");
  }

  set conversation(id: string | null) {
    this.#set("conversation", id);
  }

  /** Null: what the reader has chosen in the web client. */
  get theme(): Theme | null {
    return this.getAttribute("theme") as Theme | null;
  }

  set theme(theme: Theme | null) {
    this.#set("theme", theme);
  }

  /** Whether only one conversation is shown, without the list and with a narrow header. */
  get compact(): boolean {
    return this.hasAttribute("compact");
  }

  set compact(compact: boolean) {
    this.toggleAttribute("compact", compact);
  }

  /** The language of the texts: `en`, `de`, `es` or `fr`. Null: the browser's. */
  get language(): string | null {
    return this.getAttribute("language");
  }

  set language(language: string | null) {
    this.#set("language", language);
  }

  /** The name of the frame for screen readers. Default: "Chat". */
  get label(): string {
    return this.getAttribute("label") ?? "Chat";
  }

  set label(label: string) {
    this.setAttribute("label", label);
  }

  /** A token of the application's user, or a function that gets one. It never becomes an attribute. */
  get token(): TokenSource | null {
    return this.#token.source;
  }

  set token(source: TokenSource | null) {
    this.#token.source = source ?? null;
  }

  get state(): ChatState {
    return this.#state;
  }

  get unreadCount(): number {
    return this.#unreadCount;
  }

  /** Loads the chat again. */
  reload(): void {
    this.#unload();
    if (this.isConnected) this.#load();
  }

  override focus(options?: FocusOptions): void {
    this.#frame?.focus(options);
  }

  connectedCallback(): void {
    this.#adoptProperties();
    addEventListener("message", this.#received);
    this.#load();
  }

  disconnectedCallback(): void {
    removeEventListener("message", this.#received);
    this.#unload();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after || !this.isConnected) return;
    if (name === "server" || name === "language") return this.reload();
    if (this.#frame !== null) this.#frame.title = this.label;
    this.#changed.add(name);
    if (this.#isListening) this.#postOptions();
  }

  override addEventListener<Name extends keyof TalkwireChatEvents>(
    name: Name,
    listener: (this: TalkwireChat, event: TalkwireChatEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(name: string, listener: never, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(name, listener, options);
  }

  /** Takes over what was set before this script was loaded. */
  #adoptProperties(): void {
    for (const name of ["server", "language", "conversation", "theme", "compact", "label", "token"] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      Object.assign(this, { [name]: value });
    }
  }

  #load(): void {
    if (this.#frame !== null || this.server === "") return;
    const root = this.shadowRoot ?? this.#attachRoot();
    const frame = document.createElement("iframe");
    frame.part.add("frame");
    frame.title = this.label;
    frame.allow = "autoplay; camera; clipboard-write; display-capture; fullscreen; microphone";
    frame.src = this.#address().href;
    frame.addEventListener("load", this.#loaded);
    this.#frame = frame;
    this.#setState("connecting");
    root.append(frame);
  }

  #unload(): void {
    clearTimeout(this.#silence);
    this.#token.stop();
    this.#frame?.remove();
    this.#frame = null;
    this.#isListening = false;
    this.#changed.clear();
  }

  #attachRoot(): ShadowRoot {
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    // A style sheet of its own needs no `unsafe-inline` in the application's policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    return root;
  }

  #address(): URL {
    const address = new URL(this.server.replace(/\/?$/, "/"), document.baseURI);
    if (this.language) address.searchParams.set("language", this.language);
    if (this.theme !== null) address.searchParams.set("theme", this.theme);
    if (this.compact) address.searchParams.set("compact", "");
    if (this.conversation) address.hash = `/conversation/${encodeURIComponent(this.conversation)}`;
    return address;
  }

  readonly #loaded = (): void => {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const settings = "the page's origin must be in its embed_origins, and web_sign_in must be token or both";
      this.#failed(new Error(`<talkwire-chat>: ${this.server} asks for no token: ${settings}`));
    }, SILENCE_MS);
  };

  readonly #received = ({ source, origin, data }: MessageEvent): void => {
    const frame = this.#frame?.contentWindow;
    if (frame == null || source !== frame || origin !== this.#address().origin) return;
    if (typeof data !== "object" || data === null) return;
    clearTimeout(this.#silence);
    const message = data as MessageFromFrame;
    switch (message.type) {
      case "talkwire:token-please":
        this.#isListening = true;
        if (this.#changed.size > 0) this.#postOptions();
        return this.#token.request();
      case "talkwire:unread":
        this.#unreadCount = message.count;
        return this.#emit("talkwire:unread", { count: message.count });
      case "talkwire:state":
        return this.#setState(message.state);
    }
  };

  #setState(state: ChatState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit("talkwire:state", { state });
  }

  #postOptions(): void {
    const all = { conversation: this.conversation, theme: this.theme ?? "system", compact: this.compact };
    const changed = Object.entries(all).filter(([name]) => this.#changed.has(name));
    this.#changed.clear();
    this.#post({ type: "talkwire:options", ...Object.fromEntries(changed) });
  }

  #post(message: object): void {
    this.#frame?.contentWindow?.postMessage(message, this.#address().origin);
  }

  #failed(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    console.warn(error);
    this.#emit("talkwire:error", { error });
  }

  #emit(name: keyof TalkwireChatEvents, detail: object): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #set(name: string, value: string | null): void {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "talkwire-chat": TalkwireChat;
  }
}
