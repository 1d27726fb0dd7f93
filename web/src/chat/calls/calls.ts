/** Calls in direct conversations. The first call loads the WebRTC code. */

import type { CallSignal, RequestError } from "@talkwire/client";
import type { ChatPart } from "@talkwire/client/parts";
import { own, pauseAfter, randomId } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { repeatable } from "../../repeatable_import";
import type { PageCore } from "../page_core";
import { CallDevices, type DeviceKind } from "./call_devices";
import { CallSignaling, dataOf } from "./call_signaling";
import {
  type Call,
  type CallEvent,
  type CallState,
  deadlineOf,
  type Ending,
  IDLE,
  nextState,
  stateAfterTimeout,
} from "./call_state";
import { keepLeftCall, takeLeftCall } from "./left_call";
import type { Media, PeerCall, PeerCallListener, PeerSignal } from "./peer_call";

/** What could not be turned on in a call. */
export type Problem = "camera" | "microphone" | "screen";

export class Calls implements ChatPart {
  readonly state: StoreApi<CallState> = createStore<CallState>(() => IDLE);
  /** The call's media; null without a peer connection. `problem`: what the reader could not turn on, last. */
  readonly media: StoreApi<{ readonly media: Media | null; readonly problem: Problem | null }> = createStore(
    () => NO_MEDIA,
  );
  readonly devices: CallDevices;
  readonly #core: PageCore;
  readonly #signaling: CallSignaling;
  #otherDevice = "";
  #line: PeerCall | null = null;
  #iceServers: RTCIceServer[] = [];
  /** Signals that came before the microphone was open. */
  #early: PeerSignal[] = [];
  /** The call that the other user started while the reader called them. */
  #crossing: { readonly call: Call; readonly device: string } | null = null;
  /** The id of the reader's call on another device, or in another tab, in the conversation that they called last. */
  #elsewhere = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(core: PageCore, devices = new CallDevices()) {
    this.#core = core;
    this.devices = devices;
    this.#signaling = new CallSignaling(core);
    core.on("call:invite", (signal) => this.#invited(signal));
    core.on("call:accept", (signal) => this.#accepted(signal));
    core.on("call:reject", (signal) => this.#rejected(signal));
    core.on("call:signal", (signal) => this.#signalled(signal));
    core.on("call:ended", ({ callId, reason }) => {
      if (callId === this.#call?.callId) this.#apply({ type: "ended", reason });
    });
  }

  started(): void {
    addEventListener("pagehide", this.#left);
  }

  connected(): void {
    void this.#endLeftCall();
    const { phase } = this.state.getState();
    if (phase === "talking" || phase === "joining") void this.#resume();
  }

  stopped(): void {
    removeEventListener("pagehide", this.#left);
    this.giveUp();
  }

  // --- actions of the reader ----------------------------------------------------------------------------------------

  async dial(conversationId: string, withVideo: boolean): Promise<void> {
    if (this.#call !== null) return;
    const call: Call = { callId: randomId(), conversationId, withVideo };
    this.#otherDevice = "";
    this.#crossing = null;
    this.#apply({ type: "dialled", call });
    if (!this.#is(call, "outgoing") || !(await this.#open(call))) return;
    try {
      await this.#invite(call);
    } catch (error) {
      await this.#notInvited(call, error as RequestError);
    }
  }

  /** Ends the reader's call on another device, or in another tab, and calls from here. */
  async dialInstead(): Promise<void> {
    const state = this.state.getState();
    if (state.phase !== "over" || state.ending !== "elsewhere") return;
    const { conversationId, withVideo } = state.call;
    await this.#signaling.trySend("hangup", { ...state.call, callId: this.#elsewhere }, {});
    await this.dial(conversationId, withVideo);
  }

  async answer(withVideo: boolean): Promise<void> {
    const state = this.state.getState();
    if (state.phase !== "incoming") return;
    this.#apply({ type: "answered" });
    await this.#join({ ...state.call, withVideo });
  }

  /** Hangs up or declines a call, or closes the message about its end. */
  leave(): void {
    const call = this.#call;
    if (call !== null)
      void this.#signaling.trySend(this.state.getState().phase === "incoming" ? "reject" : "hangup", call, {});
    this.#apply({ type: "left" });
  }

  /** This page cannot take part. A call of the other user may ring on other devices, and here after a reload. */
  giveUp(): void {
    if (this.state.getState().phase === "incoming") this.ignore();
    else this.leave();
  }

  /** Stops ringing on this device; others keep ringing. */
  ignore(): void {
    if (this.state.getState().phase === "incoming") this.#apply({ type: "left" });
  }

  setMuted(isMuted: boolean): void {
    this.#line?.setMuted(isMuted);
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#attempt("camera", () => this.#line?.setCamera(on));
  }

  async setScreen(on: boolean): Promise<void> {
    await this.#attempt("screen", () => this.#line?.setScreen(on));
  }

  /** Saves the choice of a device, and uses it in the current call. */
  async chooseDevice(kind: DeviceKind, id: string): Promise<void> {
    this.devices.choose(kind, id);
    if (kind !== "audiooutput")
      await this.#attempt(kind === "audioinput" ? "microphone" : "camera", () => this.#line?.changeDevice(kind));
  }

  async #attempt(what: Problem, change: () => Promise<void> | undefined): Promise<void> {
    try {
      await change();
      this.media.setState({ problem: null });
    } catch {
      this.media.setState({ problem: what });
    }
  }

  // --- events -------------------------------------------------------------------------------------------------------

  #invited({ callId, conversationId, userId, data }: CallSignal): void {
    const { phase } = this.state.getState();
    const invitation = dataOf(data);
    const call: Call = { callId, conversationId, withVideo: invitation.video === true };
    const kind = own(this.#core.now.conversations, conversationId)?.kind;
    if (userId === this.#core.now.me.id || (kind !== undefined && kind !== "direct")) return;
    if (invitation.resumes === true) {
      if (this.#is(call, "talking") || this.#is(call, "joining"))
        void this.#signaling.trySend("accept", call, { resumes: true }).then(() => this.#line?.restart());
    } else if (phase === "idle" || phase === "over") {
      this.#otherDevice = invitation.device ?? "";
      this.#early = [];
      this.#apply({ type: "invited", call });
    } else if (conversationId !== this.#call?.conversationId) {
      // Not declined: the server records a call that the caller gives up as missed.
      void this.#signaling.trySend("signal", call, { reason: "busy" });
    } else if (phase === "outgoing") {
      this.#crossing = { call, device: invitation.device ?? "" };
    }
  }

  #accepted({ callId, userId, data }: CallSignal): void {
    const call = this.#call;
    if (call === null || callId !== call.callId) return;
    if (userId === this.#core.now.me.id) {
      this.#apply({ type: "answeredElsewhere" });
    } else if (this.#is(call, "outgoing")) {
      this.#otherDevice = dataOf(data).device ?? "";
      this.#apply({ type: "accepted" });
      this.#begin(false);
    } else if (dataOf(data).resumes === true) {
      this.#line?.restart();
    }
  }

  #rejected({ callId, userId }: CallSignal): void {
    const call = this.#call;
    if (call === null || callId !== call.callId) return;
    if (userId === this.#core.now.me.id) this.#apply({ type: "answeredElsewhere" });
    else this.#apply({ type: "ended", reason: "rejected" });
  }

  #signalled({ callId, data }: CallSignal): void {
    const { to, device, line, reason } = dataOf(data);
    if (reason === "busy" && callId === this.#call?.callId && this.#is(this.#call, "outgoing")) {
      this.#listener.failed("busy");
      return;
    }
    if (
      callId !== this.#call?.callId ||
      to !== this.#signaling.device ||
      device !== this.#otherDevice ||
      line === undefined
    )
      return;
    if (this.#line === null) this.#early.push(line);
    else this.#line.receive(line);
  }

  // --- peer connection ----------------------------------------------------------------------------------------------

  /** Opens the microphone. Returns false when it fails, or when the call ended meanwhile. */
  async #open(call: Call): Promise<boolean> {
    try {
      const { PeerCall } = await loadPeerCall().catch(() => {
        throw Object.assign(new Error("the code for calls cannot be loaded"), { ending: "not-loaded" });
      });
      const [line, iceServers] = await Promise.all([
        PeerCall.open(call.withVideo, this.devices, this.#listener),
        this.#signaling.iceServers(),
      ]);
      this.#iceServers = iceServers;
      if (this.#call?.callId !== call.callId) {
        line.close();
        return false;
      }
      this.#line = line;
      for (const signal of this.#early) line.receive(signal);
      this.#early = [];
      return true;
    } catch (error) {
      if (this.#call?.callId !== call.callId) return false;
      const ending = (error as { ending?: Ending }).ending ?? "failed";
      if (this.state.getState().phase === "joining") void this.#signaling.trySend("reject", call, {});
      this.#apply({ type: "failed", ending });
      return false;
    }
  }

  async #join(call: Call): Promise<void> {
    if (await this.#open(call)) await this.#accept(call);
  }

  #begin(polite: boolean): void {
    this.#line?.begin(polite, this.#iceServers);
  }

  /** Calls, in place of a call of the reader in which nobody is but them: its page was closed. Rejects with `RequestError`. */
  async #invite(call: Call): Promise<void> {
    const invite = (): Promise<void> => this.#signaling.send("invite", call, { video: call.withVideo });
    await this.#endLeftCall();
    try {
      await invite();
    } catch (error) {
      const { callId, userIds = [] } = callInTheWay(error as RequestError);
      if (callId === undefined || userIds.some((id) => id !== this.#core.now.me.id)) throw error;
      await this.#signaling.trySend("hangup", { ...call, callId }, {});
      await invite();
    }
  }

  /** When both users call each other, the second one joins the first one's call. */
  async #notInvited(call: Call, refused: RequestError): Promise<void> {
    if (!this.#is(call, "outgoing")) return;
    const crossing = this.#crossing;
    if (refused.code === "conflict" && crossing !== null) {
      this.#otherDevice = crossing.device;
      this.#apply({ type: "crossed", call: { ...crossing.call, withVideo: call.withVideo } });
      await this.#accept(crossing.call);
    } else {
      const { callId = "", userIds = [] } = callInTheWay(refused);
      this.#elsewhere = userIds.includes(this.#core.now.me.id) ? callId : "";
      const others = refused.code === "blocked" ? "blocked" : "refused";
      const ending = this.#elsewhere === "" ? others : "elsewhere";
      this.#apply({ type: "failed", ending, detail: refused.message });
    }
  }

  /** Ends the call of a page that was left or reloaded, so that the other user learns it and can be called again. */
  async #endLeftCall(): Promise<void> {
    const left = takeLeftCall(this.#core.now.me.id);
    if (left !== null) await this.#signaling.trySend("hangup", left, {});
  }

  async #accept(call: Call): Promise<void> {
    try {
      await this.#signaling.send("accept", call, {});
      this.#begin(true);
    } catch (error) {
      this.#apply({ type: "failed", ending: "refused", detail: (error as Error).message });
    }
  }

  readonly #listener: PeerCallListener = {
    signal: (line) =>
      this.#whileCalling((call) => void this.#signaling.trySend("signal", call, { to: this.#otherDevice, line })),
    changed: (media) => this.#whileCalling(() => this.media.setState({ media })),
    connected: () => this.#whileCalling(() => this.#apply({ type: "connected" })),
    failed: (ending) =>
      this.#whileCalling((call) => {
        void this.#signaling.trySend("hangup", call, {});
        this.#apply({ type: "failed", ending });
      }),
  };

  readonly #left = (): void => {
    if (this.#call !== null && this.state.getState().phase !== "incoming")
      keepLeftCall(this.#core.now.me.id, this.#call);
    this.giveUp();
  };

  #whileCalling(act: (call: Call) => void): void {
    if (this.#call !== null) act(this.#call);
  }

  /**
   * Tells the server about a call that it may have ended while the peers were still connected. Tries again while the
   * connection is open: without both users the server's call would end after the time that it rings.
   */
  async #resume(): Promise<void> {
    const call = this.#call;
    if (call === null) return;
    const isWanted = () => this.#core.now.connected && this.#call?.callId === call.callId;
    for (let failures = 0; isWanted(); failures++) {
      const refusal = await this.#rejoin(call);
      if (refusal?.isTransient !== true) break;
      await new Promise((resolve) => setTimeout(resolve, pauseAfter(failures, refusal)));
    }
    this.#line?.restart();
  }

  /** Returns why the server refused, if it did. Both peers may start the call again there: the second one joins it. */
  async #rejoin(call: Call): Promise<RequestError | undefined> {
    let refusal: RequestError | undefined;
    for (const type of ["accept", "invite", "accept"] as const) {
      try {
        await this.#signaling.send(type, call, { resumes: true });
        return undefined;
      } catch (error) {
        refusal = error as RequestError;
        if (refusal.code !== "not_found" && refusal.code !== "conflict") return refusal;
      }
    }
    return refusal;
  }

  // --- state --------------------------------------------------------------------------------------------------------

  get #call(): Call | null {
    const state = this.state.getState();
    return state.phase === "idle" || state.phase === "over" ? null : state.call;
  }

  #is(call: Call, phase: CallState["phase"]): boolean {
    return this.state.getState().phase === phase && this.#call?.callId === call.callId;
  }

  #apply(event: CallEvent): void {
    this.#setState(nextState(this.state.getState(), event, Date.now()));
  }

  #setState(state: CallState): void {
    if (state === this.state.getState()) return;
    this.state.setState(state, true);
    if (state.phase === "idle" || state.phase === "over") {
      this.#line?.close();
      this.#line = null;
      this.#early = [];
      this.media.setState(NO_MEDIA);
    }
    clearTimeout(this.#timer);
    const deadline = deadlineOf(state);
    if (deadline !== null) this.#timer = setTimeout(() => this.#timeIsUp(), deadline - Date.now() + 1);
  }

  /** The server does not see that no peer connection was established, and would keep the call open. */
  #timeIsUp(): void {
    const call = this.#call;
    this.#setState(stateAfterTimeout(this.state.getState(), Date.now()));
    if (call !== null && this.#call === null) void this.#signaling.trySend("hangup", call, {});
  }
}

/** Returns the call that the conversation has already, if that is why the server has refused another one. */
function callInTheWay({ details }: RequestError): { callId?: string; userIds?: readonly string[] } {
  return (details ?? {}) as { callId?: string; userIds?: readonly string[] };
}

const loadPeerCall = repeatable(() => import("./peer_call"));

const NO_MEDIA = { media: null, problem: null };
