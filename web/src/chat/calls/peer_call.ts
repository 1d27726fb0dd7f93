/**
 * A call's peer connection: this device's microphone and camera, and the media of both users. Both peers may change
 * what they send at any time. When they do so at once, the polite peer yields ("perfect negotiation", W3C WebRTC 1.0,
 * section 10.7).
 */

import type { CallDevices } from "./call_devices";
import type { Ending } from "./call_state";

/** What one peer sends to the other through the server. */
export interface PeerSignal {
  readonly description?: RTCSessionDescriptionInit;
  /** The number of an offer, and of the offer that an answer belongs to. An offer may be sent, and answered, twice. */
  readonly offer?: number | undefined;
  readonly candidate?: RTCIceCandidateInit;
}

/** What a user's video shows. */
export type Picture = "camera" | "screen";

/** The media of both users. */
export interface Media {
  readonly local: MediaStream;
  readonly remote: MediaStream | null;
  readonly isMuted: boolean;
  /** What this device sends; null: no video. */
  readonly picture: Picture | null;
  readonly otherIsMuted: boolean;
  readonly otherPicture: Picture | null;
  /** Whether no media arrives at the moment. */
  readonly isInterrupted: boolean;
}

export interface PeerCallListener {
  signal(signal: PeerSignal): void;
  changed(media: Media): void;
  connected(): void;
  failed(ending: Ending): void;
}

/** Why there is no microphone, no camera or no screen. */
export class MediaProblem extends Error {
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(ending);
    this.ending = ending;
  }
}

const PROBLEMS: Readonly<Record<string, Ending>> = {
  NotAllowedError: "denied",
  NotFoundError: "no-microphone",
  NotReadableError: "in-use",
  AbortError: "in-use",
};
const RECOVERY_MS = 15_000;
const BYE = "bye";

export class PeerCall {
  readonly #listener: PeerCallListener;
  readonly #devices: CallDevices;
  readonly #local: MediaStream;
  #peer: RTCPeerConnection | null = null;
  #channel: RTCDataChannel | null = null;
  #remote: MediaStream | null = null;
  #polite = false;
  #makesOffer = false;
  /** The number of this peer's last offer. */
  #offers = 0;
  #ignoresOffer = false;
  #isSharing = false;
  #otherIsMuted = false;
  #otherIsSharing = false;
  #isClosed = false;
  #failTimer: ReturnType<typeof setTimeout> | undefined;
  /** Signals that came before this peer was ready. */
  #early: PeerSignal[] = [];
  /** Runs the steps of the negotiation one after the other. */
  #work: Promise<void> = Promise.resolve();

  private constructor(local: MediaStream, devices: CallDevices, listener: PeerCallListener) {
    this.#local = local;
    this.#devices = devices;
    this.#listener = listener;
  }

  /** Opens the microphone, and the camera where it is wanted and available. Rejects with `MediaProblem`. */
  static async open(withVideo: boolean, devices: CallDevices, listener: PeerCallListener): Promise<PeerCall> {
    const line = new PeerCall(await mediaOf(withVideo, devices), devices, listener);
    line.#changed();
    return line;
  }

  /**
   * Starts to send media. The polite peer waits for the other's offer: when it rolls back its own offer while the
   * browser gathers candidates, it loses them.
   */
  begin(polite: boolean, iceServers: RTCIceServer[]): void {
    const peer = new RTCPeerConnection({ iceServers });
    this.#peer = peer;
    this.#polite = polite;
    peer.onnegotiationneeded = () => void this.#offer(peer);
    peer.onicecandidate = ({ candidate }) => candidate && this.#listener.signal({ candidate: candidate.toJSON() });
    peer.onconnectionstatechange = () => this.#connectionChanged(peer.connectionState);
    peer.ontrack = ({ streams: [stream] }) => this.#trackAdded(stream);
    if (!polite) this.#addTracks(peer);
    for (const signal of this.#early) this.receive(signal);
    this.#early = [];
  }

  #addTracks(peer: RTCPeerConnection): void {
    this.#channel = peer.createDataChannel("call", { negotiated: true, id: 0 });
    this.#channel.onopen = () => this.#sendState();
    this.#channel.onmessage = ({ data }) => this.#receiveMessage(String(data));
    this.#channel.onclose = () => this.#fail("gone");
    for (const track of this.#local.getTracks()) peer.addTrack(track, this.#local);
  }

  receive(signal: PeerSignal): void {
    const peer = this.#peer;
    if (peer === null) this.#early.push(signal);
    else this.#work = this.#work.then(() => this.#receive(peer, signal)).catch(() => this.#fail("failed"));
  }

  setMuted(isMuted: boolean): void {
    for (const track of this.#local.getAudioTracks()) track.enabled = !isMuted;
    this.#stateChanged();
  }

  /** Turns the camera on or off. It takes the place of the screen. Rejects with `MediaProblem` without a camera. */
  async setCamera(on: boolean): Promise<void> {
    if (!on) return this.#showPicture(null);
    this.#showPicture(await userMedia({ video: this.#devices.constraintsOf("videoinput") }), "camera");
  }

  /**
   * Shows the screen, a window or a tab instead of the camera, until the reader stops it here or in the browser's own
   * bar. Rejects with `MediaProblem` when the reader chooses nothing.
   */
  async setScreen(on: boolean): Promise<void> {
    if (!on) return this.#showPicture(null);
    const stream = await displayMedia();
    this.#showPicture(stream, "screen");
    for (const track of stream.getVideoTracks())
      track.onended = () => {
        if (this.#local.getVideoTracks().includes(track)) this.#showPicture(null);
      };
  }

  /** Uses the microphone or camera that the reader has chosen meanwhile. Rejects with `MediaProblem`. */
  async changeDevice(kind: "audioinput" | "videoinput"): Promise<void> {
    const constraints = this.#devices.constraintsOf(kind);
    if (kind === "videoinput") {
      if (this.#picture === "camera") await this.setCamera(true);
      return;
    }
    const [track] = (await userMedia({ audio: constraints })).getAudioTracks();
    if (track === undefined || this.#isClosed) return track?.stop();
    track.enabled = !this.#isMuted;
    for (const before of this.#local.getAudioTracks()) this.#replaceTrack(before, track);
    this.#changed();
  }

  /** Repeats what may have been lost: an offer without an answer, and ICE when the peers are not connected. */
  restart(): void {
    const peer = this.#peer;
    if (peer === null) return;
    if (peer.signalingState === "have-local-offer") this.#sendDescription(peer, this.#offers);
    if (peer.connectionState !== "connected") peer.restartIce();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#failTimer);
    this.#sendMessage(BYE);
    for (const track of this.#local.getTracks()) track.stop();
    this.#peer?.close();
  }

  get #isMuted(): boolean {
    return this.#local.getAudioTracks().every((track) => !track.enabled);
  }

  get #picture(): Picture | null {
    if (this.#local.getVideoTracks().length === 0) return null;
    return this.#isSharing ? "screen" : "camera";
  }

  /** Sends the video of a stream instead of the one before; null: none. */
  #showPicture(stream: MediaStream | null, picture: Picture = "camera"): void {
    const [track] = stream?.getVideoTracks() ?? [];
    if (this.#isClosed) {
      track?.stop();
      return;
    }
    const [before] = this.#local.getVideoTracks();
    this.#isSharing = picture === "screen";
    if (track === undefined) {
      if (before !== undefined) this.#removeTrack(before);
    } else if (before !== undefined) {
      this.#replaceTrack(before, track);
    } else {
      this.#local.addTrack(track);
      if (this.#channel !== null) this.#peer?.addTrack(track, this.#local);
    }
    this.#stateChanged();
  }

  /** Replaces what a sender sends. The peers need not negotiate again. */
  #replaceTrack(before: MediaStreamTrack, track: MediaStreamTrack): void {
    before.stop();
    this.#local.removeTrack(before);
    this.#local.addTrack(track);
    void this.#senderOf(before)
      ?.replaceTrack(track)
      .catch(() => this.#fail("failed"));
  }

  #removeTrack(track: MediaStreamTrack): void {
    track.stop();
    this.#local.removeTrack(track);
    const sender = this.#senderOf(track);
    if (sender !== undefined) this.#peer?.removeTrack(sender);
  }

  #senderOf(track: MediaStreamTrack): RTCRtpSender | undefined {
    return this.#peer?.getSenders().find((each) => each.track === track);
  }

  // --- negotiation --------------------------------------------------------------------------------------------------

  async #offer(peer: RTCPeerConnection): Promise<void> {
    try {
      this.#makesOffer = true;
      await peer.setLocalDescription();
      this.#offers += 1;
      this.#sendDescription(peer, this.#offers);
    } catch {
      this.#fail("failed");
    } finally {
      this.#makesOffer = false;
    }
  }

  async #receive(peer: RTCPeerConnection, { description, offer, candidate }: PeerSignal): Promise<void> {
    if (this.#isClosed) return;
    if (description !== undefined) {
      if (description.type === "answer" && !this.#awaitsAnswer(peer, offer)) return;
      const collides = description.type === "offer" && (this.#makesOffer || peer.signalingState !== "stable");
      this.#ignoresOffer = !this.#polite && collides;
      if (this.#ignoresOffer) return;
      await peer.setRemoteDescription(description);
      if (description.type !== "offer") return;
      if (this.#channel === null) this.#addTracks(peer);
      await peer.setLocalDescription();
      this.#sendDescription(peer, offer);
    } else if (candidate !== undefined) {
      await peer.addIceCandidate(candidate).catch((error: unknown) => {
        // Candidates of a rejected offer are useless.
        if (!this.#ignoresOffer) throw error;
      });
    }
  }

  /** Returns whether no answer to the last offer has come yet. Peers without offer numbers do not repeat an answer. */
  #awaitsAnswer({ signalingState }: RTCPeerConnection, offer = this.#offers): boolean {
    return signalingState === "have-local-offer" && offer === this.#offers;
  }

  #sendDescription({ localDescription }: RTCPeerConnection, offer: number | undefined): void {
    if (localDescription !== null) this.#listener.signal({ description: localDescription.toJSON(), offer });
  }

  // --- events of the peer connection --------------------------------------------------------------------------------

  #connectionChanged(state: RTCPeerConnectionState): void {
    if (this.#isClosed) return;
    clearTimeout(this.#failTimer);
    if (state === "connected") this.#listener.connected();
    if (state === "failed") this.restart();
    if (state === "disconnected" || state === "failed")
      this.#failTimer = setTimeout(() => this.#fail("failed"), RECOVERY_MS);
    this.#changed();
  }

  #trackAdded(stream: MediaStream | undefined): void {
    if (stream === undefined) return;
    this.#remote = stream;
    stream.onaddtrack = () => this.#changed();
    stream.onremovetrack = () => this.#changed();
    this.#changed();
  }

  #receiveMessage(text: string): void {
    const received: unknown = JSON.parse(text);
    if (received === BYE) {
      this.#fail("hung-up");
    } else {
      const { muted, sharing } = received as { muted?: unknown; sharing?: unknown };
      this.#otherIsMuted = muted === true;
      this.#otherIsSharing = sharing === true;
      this.#changed();
    }
  }

  get #otherPicture(): Picture | null {
    if (this.#remote === null || this.#remote.getVideoTracks().length === 0) return null;
    return this.#otherIsSharing ? "screen" : "camera";
  }

  #stateChanged(): void {
    this.#sendState();
    this.#changed();
  }

  /** Tells the other user what the media cannot show. Clients ignore members that they do not know. */
  #sendState(): void {
    this.#sendMessage({ muted: this.#isMuted, sharing: this.#picture === "screen" });
  }

  #sendMessage(what: object | string): void {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(what));
  }

  #fail(ending: Ending): void {
    if (!this.#isClosed) this.#listener.failed(ending);
  }

  #changed(): void {
    const remote = this.#remote;
    const state = this.#peer?.connectionState;
    this.#listener.changed({
      local: this.#local,
      remote,
      isMuted: this.#isMuted,
      picture: this.#picture,
      otherIsMuted: this.#otherIsMuted,
      otherPicture: this.#otherPicture,
      isInterrupted: state === "disconnected" || state === "failed",
    });
  }
}

/** Falls back to sound alone when there is no camera. */
async function mediaOf(withVideo: boolean, devices: CallDevices): Promise<MediaStream> {
  const audio = devices.constraintsOf("audioinput");
  if (!withVideo) return userMedia({ audio });
  try {
    return await userMedia({ audio, video: devices.constraintsOf("videoinput") });
  } catch {
    return userMedia({ audio });
  }
}

async function userMedia(wanted: MediaStreamConstraints): Promise<MediaStream> {
  // Browsers provide media devices only to pages from HTTPS or from localhost.
  if (navigator.mediaDevices === undefined) throw new MediaProblem("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia(wanted).catch((error: Error) => {
      // A chosen device is not connected now: any other will do.
      if (error.name !== "OverconstrainedError") throw error;
      return navigator.mediaDevices.getUserMedia({
        audio: wanted.audio !== undefined,
        video: wanted.video !== undefined,
      });
    });
  } catch (error) {
    throw new MediaProblem(PROBLEMS[(error as Error).name] ?? "no-microphone");
  }
}

async function displayMedia(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getDisplayMedia({ video: true });
  } catch (error) {
    throw new MediaProblem(PROBLEMS[(error as Error).name] ?? "in-use");
  }
}
