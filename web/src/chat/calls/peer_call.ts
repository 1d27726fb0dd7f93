/**
 * A call's peer connection: this device's microphone and camera, and the media of both users. Both peers may change
 * what they send at any time. When they do so at once, the polite peer yields ("perfect negotiation", W3C WebRTC 1.0,
 * section 10.7).
 */

import type { Ending } from "./call_state";

/** What one peer sends to the other through the server. */
export interface PeerSignal {
  readonly description?: RTCSessionDescriptionInit;
  readonly candidate?: RTCIceCandidateInit;
}

/** The media of both users. */
export interface Media {
  readonly local: MediaStream;
  readonly remote: MediaStream | null;
  readonly isMuted: boolean;
  readonly hasCamera: boolean;
  readonly otherIsMuted: boolean;
  readonly otherHasCamera: boolean;
  /** Whether no media arrives at the moment. */
  readonly isInterrupted: boolean;
}

export interface PeerCallListener {
  signal(signal: PeerSignal): void;
  changed(media: Media): void;
  connected(): void;
  failed(ending: Ending): void;
}

/** Why there is no microphone or no camera. */
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
  readonly #local: MediaStream;
  #peer: RTCPeerConnection | null = null;
  #channel: RTCDataChannel | null = null;
  #remote: MediaStream | null = null;
  #polite = false;
  #makesOffer = false;
  #ignoresOffer = false;
  #otherIsMuted = false;
  #isClosed = false;
  #failTimer: ReturnType<typeof setTimeout> | undefined;
  /** Signals that came before this peer was ready. */
  #early: PeerSignal[] = [];
  /** Runs the steps of the negotiation one after the other. */
  #work: Promise<void> = Promise.resolve();

  private constructor(local: MediaStream, listener: PeerCallListener) {
    this.#local = local;
    this.#listener = listener;
  }

  /** Opens the microphone, and the camera where it is wanted and available. Rejects with `MediaProblem`. */
  static async open(withVideo: boolean, listener: PeerCallListener): Promise<PeerCall> {
    const line = new PeerCall(await mediaOf(withVideo), listener);
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
    this.#channel.onopen = () => this.#sendMessage({ muted: this.#isMuted });
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
    this.#sendMessage({ muted: isMuted });
    this.#changed();
  }

  /** Rejects with `MediaProblem` when there is no camera. */
  async setCamera(on: boolean): Promise<void> {
    if (on) {
      const [track] = (await userMedia({ video: true })).getVideoTracks();
      if (track === undefined || this.#isClosed) return track?.stop();
      this.#local.addTrack(track);
      if (this.#channel !== null) this.#peer?.addTrack(track, this.#local);
    } else {
      for (const track of this.#local.getVideoTracks()) this.#removeTrack(track);
    }
    this.#changed();
  }

  /** Restarts ICE when the peers are not connected, since signals may have been lost. */
  restart(): void {
    if (this.#peer?.connectionState !== "connected") this.#peer?.restartIce();
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

  #removeTrack(track: MediaStreamTrack): void {
    track.stop();
    this.#local.removeTrack(track);
    const sender = this.#peer?.getSenders().find((each) => each.track === track);
    if (sender !== undefined) this.#peer?.removeTrack(sender);
  }

  // --- negotiation --------------------------------------------------------------------------------------------------

  async #offer(peer: RTCPeerConnection): Promise<void> {
    try {
      this.#makesOffer = true;
      await peer.setLocalDescription();
      this.#sendDescription(peer);
    } catch {
      this.#fail("failed");
    } finally {
      this.#makesOffer = false;
    }
  }

  async #receive(peer: RTCPeerConnection, { description, candidate }: PeerSignal): Promise<void> {
    if (this.#isClosed) return;
    if (description !== undefined) {
      const collides = description.type === "offer" && (this.#makesOffer || peer.signalingState !== "stable");
      this.#ignoresOffer = !this.#polite && collides;
      if (this.#ignoresOffer) return;
      await peer.setRemoteDescription(description);
      if (description.type !== "offer") return;
      if (this.#channel === null) this.#addTracks(peer);
      await peer.setLocalDescription();
      this.#sendDescription(peer);
    } else if (candidate !== undefined) {
      await peer.addIceCandidate(candidate).catch((error: unknown) => {
        // Candidates of a rejected offer are useless.
        if (!this.#ignoresOffer) throw error;
      });
    }
  }

  #sendDescription({ localDescription }: RTCPeerConnection): void {
    if (localDescription !== null) this.#listener.signal({ description: localDescription.toJSON() });
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
      this.#otherIsMuted = (received as { muted?: unknown }).muted === true;
      this.#changed();
    }
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
      hasCamera: this.#local.getVideoTracks().length > 0,
      otherIsMuted: this.#otherIsMuted,
      otherHasCamera: remote !== null && remote.getVideoTracks().length > 0,
      isInterrupted: state === "disconnected" || state === "failed",
    });
  }
}

/** Falls back to sound alone when there is no camera. */
async function mediaOf(withVideo: boolean): Promise<MediaStream> {
  if (!withVideo) return userMedia({ audio: true });
  try {
    return await userMedia({ audio: true, video: true });
  } catch {
    return userMedia({ audio: true });
  }
}

async function userMedia(wanted: MediaStreamConstraints): Promise<MediaStream> {
  // Browsers provide media devices only to pages from HTTPS or from localhost.
  if (navigator.mediaDevices === undefined) throw new MediaProblem("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new MediaProblem(PROBLEMS[(error as Error).name] ?? "no-microphone");
  }
}
