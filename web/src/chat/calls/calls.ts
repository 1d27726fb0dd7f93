/** Calls between two: who calls whom, over the server; the line itself is loaded when the first call begins. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { randomId } from "../../insecure";
import type { CallSignal } from "../../server/payloads";
import type { Refused } from "../../server/refused";
import { type Core, own, type Part } from "../core";
import type { Line, LineListener, LineSignal, Media } from "./call_line";
import {
  after,
  afterTime,
  type Call,
  type CallEvent,
  type CallState,
  deadlineOf,
  type Ending,
  IDLE,
} from "./call_state";
import { CallWire, dataOf } from "./call_wire";

export class Calls implements Part {
  readonly state: StoreApi<CallState> = createStore<CallState>(() => IDLE);
  /** What is heard and seen; null while there is no line. */
  readonly media: StoreApi<{ readonly media: Media | null; readonly problem: Ending | null }> = createStore(
    () => NO_MEDIA,
  );
  readonly #core: Core;
  readonly #wire: CallWire;
  #otherDevice = "";
  #line: Line | null = null;
  #iceServers: RTCIceServer[] = [];
  /** What the other end said before there was a line. */
  #early: LineSignal[] = [];
  /** The other one's call, that came while the reader called them. */
  #crossing: { readonly call: Call; readonly device: string } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(core: Core) {
    this.#core = core;
    this.#wire = new CallWire(core);
    core.on("call:invite", (signal) => this.#invited(signal));
    core.on("call:accept", (signal) => this.#accepted(signal));
    core.on("call:reject", (signal) => this.#rejected(signal));
    core.on("call:signal", (signal) => this.#signalled(signal));
    core.on("call:ended", ({ callId, reason }) => {
      if (callId === this.#call?.callId) this.#go({ type: "ended", reason });
    });
  }

  started(): void {
    addEventListener("pagehide", this.#leave);
  }

  connected(): void {
    const { phase } = this.state.getState();
    if (phase === "talking" || phase === "joining") void this.#resume();
  }

  stopped(): void {
    removeEventListener("pagehide", this.#leave);
    this.#leave();
  }

  // --- what the reader does ------------------------------------------------------------------------------------------

  async dial(conversationId: string, withVideo: boolean): Promise<void> {
    if (this.#call !== null) return;
    const call: Call = { callId: randomId(), conversationId, withVideo };
    this.#otherDevice = "";
    this.#crossing = null;
    this.#go({ type: "dialled", call });
    if (!this.#is(call, "outgoing") || !(await this.#open(call))) return;
    try {
      await this.#wire.say("invite", call, { video: withVideo });
    } catch (error) {
      await this.#notInvited(call, error as Refused);
    }
  }

  async answer(withVideo: boolean): Promise<void> {
    const state = this.state.getState();
    if (state.phase !== "incoming") return;
    this.#go({ type: "answered" });
    await this.#join({ ...state.call, withVideo });
  }

  /** Hangs up, or declines; or closes what says how it ended. */
  leave(): void {
    this.#leave();
  }

  /** Lets it ring on other devices, or in vain. */
  ignore(): void {
    if (this.state.getState().phase === "incoming") this.#go({ type: "left" });
  }

  setMuted(isMuted: boolean): void {
    this.#line?.setMuted(isMuted);
  }

  async setCamera(on: boolean): Promise<void> {
    try {
      await this.#line?.setCamera(on);
      this.media.setState({ problem: null });
    } catch (error) {
      this.media.setState({ problem: (error as { ending: Ending }).ending });
    }
  }

  // --- what the others do --------------------------------------------------------------------------------------------

  #invited({ callId, conversationId, userId, data }: CallSignal): void {
    const { phase } = this.state.getState();
    const said = dataOf(data);
    const call: Call = { callId, conversationId, withVideo: said.video === true };
    const kind = own(this.#core.now.conversations, conversationId)?.kind;
    if (userId === this.#core.now.me.id || (kind !== undefined && kind !== "direct")) return;
    if (said.resumes === true) {
      if (this.#is(call, "talking") || this.#is(call, "joining"))
        void this.#wire.tell("accept", call, { resumes: true });
    } else if (phase === "idle" || phase === "over") {
      this.#otherDevice = said.device ?? "";
      this.#early = [];
      this.#go({ type: "invited", call });
    } else if (conversationId !== this.#call?.conversationId) {
      void this.#wire.tell("reject", call, { reason: "busy" });
    } else if (phase === "outgoing") {
      this.#crossing = { call, device: said.device ?? "" };
    }
  }

  #accepted({ callId, userId, data }: CallSignal): void {
    const call = this.#call;
    if (call === null || callId !== call.callId) return;
    if (userId === this.#core.now.me.id) {
      this.#go({ type: "answeredElsewhere" });
    } else if (this.#is(call, "outgoing")) {
      this.#otherDevice = dataOf(data).device ?? "";
      this.#go({ type: "accepted" });
      this.#begin(false);
    }
  }

  #rejected({ callId, userId, data }: CallSignal): void {
    const call = this.#call;
    if (call === null || callId !== call.callId) return;
    if (userId === this.#core.now.me.id) this.#go({ type: "answeredElsewhere" });
    else this.#go({ type: "ended", reason: dataOf(data).reason ?? "rejected" });
  }

  #signalled({ callId, data }: CallSignal): void {
    const { to, device, line } = dataOf(data);
    if (callId !== this.#call?.callId || to !== this.#wire.device || device !== this.#otherDevice || line === undefined)
      return;
    if (this.#line === null) this.#early.push(line);
    else this.#line.receive(line);
  }

  // --- the line ------------------------------------------------------------------------------------------------------

  /** Whether the microphone is there, and the call still is. */
  async #open(call: Call): Promise<boolean> {
    try {
      const { Line } = await import("./call_line");
      const [line, iceServers] = await Promise.all([
        Line.open(call.withVideo, this.#listener),
        this.#wire.iceServers(),
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
      if (this.state.getState().phase === "joining") void this.#wire.tell("reject", call, {});
      this.#go({ type: "failed", ending });
      return false;
    }
  }

  async #join(call: Call): Promise<void> {
    if (await this.#open(call)) await this.#accept(call);
  }

  #begin(polite: boolean): void {
    this.#line?.begin(polite, this.#iceServers);
  }

  /** Where both call at once, the second joins the first one's call. */
  async #notInvited(call: Call, refused: Refused): Promise<void> {
    if (!this.#is(call, "outgoing")) return;
    const crossing = this.#crossing;
    if (refused.code === "conflict" && crossing !== null) {
      this.#otherDevice = crossing.device;
      this.#go({ type: "crossed", call: { ...crossing.call, withVideo: call.withVideo } });
      await this.#accept(crossing.call);
    } else {
      this.#go({ type: "failed", ending: "refused", detail: refused.message });
    }
  }

  async #accept(call: Call): Promise<void> {
    try {
      await this.#wire.say("accept", call, {});
      this.#begin(true);
    } catch (error) {
      this.#go({ type: "failed", ending: "refused", detail: (error as Error).message });
    }
  }

  readonly #listener: LineListener = {
    signal: (line) =>
      this.#whileCalling((call) => void this.#wire.tell("signal", call, { to: this.#otherDevice, line })),
    changed: (media) => this.#whileCalling(() => this.media.setState({ media })),
    connected: () => this.#whileCalling(() => this.#go({ type: "connected" })),
    failed: (ending) =>
      this.#whileCalling((call) => {
        void this.#wire.tell("hangup", call, {});
        this.#go({ type: "failed", ending });
      }),
  };

  #whileCalling(act: (call: Call) => void): void {
    if (this.#call !== null) act(this.#call);
  }

  /** The server may have taken this side for gone, while the two went on talking. */
  async #resume(): Promise<void> {
    const call = this.#call;
    if (call === null) return;
    try {
      await this.#wire.say("accept", call, { resumes: true });
    } catch (error) {
      if ((error as Refused).code === "not_found") await this.#wire.tell("invite", call, { resumes: true });
    }
    this.#line?.restart();
  }

  // --- the state -----------------------------------------------------------------------------------------------------

  get #call(): Call | null {
    const state = this.state.getState();
    return state.phase === "idle" || state.phase === "over" ? null : state.call;
  }

  #is(call: Call, phase: CallState["phase"]): boolean {
    return this.state.getState().phase === phase && this.#call?.callId === call.callId;
  }

  readonly #leave = (): void => {
    const call = this.#call;
    if (call !== null) void this.#wire.tell(this.state.getState().phase === "incoming" ? "reject" : "hangup", call, {});
    this.#go({ type: "left" });
  };

  #go(event: CallEvent): void {
    this.#set(after(this.state.getState(), event, Date.now()));
  }

  #set(state: CallState): void {
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

  /** The server does not know by itself that no line came about, and would hold the conversation for talking. */
  #timeIsUp(): void {
    const call = this.#call;
    this.#set(afterTime(this.state.getState(), Date.now()));
    if (call !== null && this.#call === null) void this.#wire.tell("hangup", call, {});
  }
}

const NO_MEDIA = { media: null, problem: null };
