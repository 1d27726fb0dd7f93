/** This browser's subscription to what the server pushes while no page is open, and those of the reader's devices. */

import type { PushDevice, PushKey, PushSubscriptionPage } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import type { ChatPart } from "@talkwire/client/parts";
import { withLock } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { locale } from "../../languages/locale";
import { workerRegistration } from "../../service_worker_registration";
import { disallow, permission } from "../alerts/permission";
import type { PageCore } from "../page_core";
import { namesIn, picturesFor } from "./context_of";
import { type PushContext, PushContextStore } from "./push_context";
import type { WorkerMessage } from "./worker_message";

/** Why nothing is pushed to this browser, although the reader has allowed notifications. */
export type PushProblem =
  /** The browser has no push, or no service worker: in private windows, for example. */
  | "browser"
  /** The browser's push service does not answer. */
  | "service"
  /** The server sends no pushes. */
  | "server";

export interface PushState {
  /** The id of this browser's subscription on the server; null without one. */
  readonly id: string | null;
  readonly problem: PushProblem | null;
}

const NONE: PushState = { id: null, problem: null };
const LOCK = "talkwire.push";

export class Push implements ChatPart {
  readonly state: StoreApi<PushState> = createStore<PushState>(() => NONE);
  /** Called when the reader has clicked on a notification that the service worker has shown. */
  onOpen: (message: WorkerMessage & { kind: "open" }) => void = () => undefined;
  readonly #core: PageCore;
  readonly #contexts: PushContextStore;
  /** Whether this page has brought the subscription up to date. */
  #isDone = false;

  constructor(core: PageCore, contexts = new PushContextStore(document.baseURI)) {
    this.#core = core;
    this.#contexts = contexts;
  }

  started(): void {
    navigator.serviceWorker?.addEventListener("message", this.#receive);
    document.addEventListener("visibilitychange", this.#hidden);
  }

  stopped(): void {
    navigator.serviceWorker?.removeEventListener("message", this.#receive);
    document.removeEventListener("visibilitychange", this.#hidden);
  }

  connected(): void {
    if (!this.#isDone && permission() === "on") void this.subscribe();
  }

  /** Has the server push to this browser. The reader has allowed notifications. */
  async subscribe(): Promise<void> {
    await withLock(LOCK, async () => {
      const state = await this.#subscribe();
      this.#isDone = state !== undefined;
      this.state.setState(state ?? NONE);
    });
  }

  /** Ends this browser's subscription, here and on the server if that is reachable. */
  async unsubscribe(): Promise<void> {
    const context = await this.#ownContext();
    if (context !== undefined) await this.#delete(context.subscriptionId).catch(() => undefined);
    await this.forget();
  }

  /** Ends this browser's subscription here only: the server has ended it with the session. */
  async forget(): Promise<void> {
    if ((await this.#ownContext()) === undefined) return;
    const registration = await workerRegistration();
    await this.#contexts.clear();
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
    for (const notification of (await registration?.getNotifications()) ?? []) notification.close();
    this.state.setState(NONE);
  }

  /** Returns the reader's devices that the server pushes to. This and the next method reject with `RequestError`. */
  async devices(): Promise<readonly PushDevice[]> {
    return (await this.#core.api.get<PushSubscriptionPage>("users/me/push")).items;
  }

  /** Ends the subscription of one of the reader's devices. */
  async remove({ id }: PushDevice): Promise<void> {
    await this.#delete(id);
    if (id === this.state.getState().id) await this.#turnOff();
  }

  /** Returns undefined when the server could not be reached. */
  async #subscribe(): Promise<PushState | undefined> {
    const manager = (await workerRegistration())?.pushManager;
    if (manager === undefined) return { id: null, problem: "browser" };
    try {
      const { publicKey } = await this.#core.api.get<PushKey>("push/key");
      return await this.#register(manager, publicKey);
    } catch (error) {
      if (!(error instanceof RequestError)) return { id: null, problem: "service" };
      if (error.code === "conflict") {
        // The reader has removed this browser on another device.
        await this.#turnOff();
        return NONE;
      }
      return error.isTransient ? undefined : { id: null, problem: "server" };
    }
  }

  async #register(manager: PushManager, publicKey: string): Promise<PushState> {
    const before = await this.#ownContext();
    const subscription = await subscriptionOf(manager, publicKey, before !== undefined);
    const { endpoint, keys } = subscription.toJSON();
    const { api } = this.#core;
    const { id } = await api.put<PushDevice>("users/me/push", {
      endpoint,
      keys,
      userAgent: navigator.userAgent,
      deviceId: api.deviceId,
      renew: before?.endpoint === endpoint,
    });
    await this.#save({ subscriptionId: id, endpoint: subscription.endpoint, pictures: before?.pictures ?? {} });
    return { id, problem: null };
  }

  async #turnOff(): Promise<void> {
    disallow();
    await this.forget();
  }

  async #delete(id: string): Promise<void> {
    await this.#core.api.delete(`users/me/push/${encodeURIComponent(id)}`);
  }

  async #save(context: Pick<PushContext, "subscriptionId" | "endpoint" | "pictures">): Promise<void> {
    const { me, conversations } = this.#core.now;
    const language = locale();
    const chosen = language === undefined ? {} : { language };
    await this.#contexts.write({ ...context, ...chosen, userId: me.id, names: namesIn(conversations) });
  }

  /** Returns what the service worker knows; undefined when it knows another user, or nobody. */
  async #ownContext(): Promise<PushContext | undefined> {
    const context = await this.#contexts.read().catch(() => undefined);
    return context?.userId === this.#core.now.me.id ? context : undefined;
  }

  readonly #receive = ({ data }: MessageEvent<WorkerMessage>): void => {
    if (data.kind === "open") this.onOpen(data);
    else void this.subscribe();
  };

  /** From now on the service worker may have to show notifications. */
  readonly #hidden = (): void => {
    if (document.visibilityState === "hidden" && this.state.getState().id !== null) void this.#update();
  };

  async #update(): Promise<void> {
    const context = await this.#ownContext();
    if (context === undefined) return;
    await this.#save(context);
    const { api } = this.#core;
    const load = async (path: string): Promise<Blob> => {
      await api.renewAddressToken();
      return (await fetch(api.authenticatedUrl(path))).blob();
    };
    const pictures = await picturesFor(this.#core.now.conversations, context.pictures, load);
    // The reader may have signed out meanwhile.
    if ((await this.#ownContext()) !== undefined) await this.#save({ ...context, pictures });
  }
}

/** Returns the browser's subscription for the server's key. One of another key or another user ends. */
async function subscriptionOf(manager: PushManager, key: string, isOwn: boolean): Promise<PushSubscription> {
  const before = await manager.getSubscription();
  if (before !== null && isOwn && base64Url(before.options.applicationServerKey) === key) return before;
  await before?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

function base64Url(bytes: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(bytes ?? []));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
