import { afterEach, expect, it, vi } from "vitest";
import { CallDevices } from "../src/chat/calls/call_devices";
import { PeerCall, type PeerSignal } from "../src/chat/calls/peer_call";
import { eventually } from "./waiting";

const OFFER = { type: "offer", sdp: "v=0" };
const ANSWER = { type: "answer", sdp: "v=0" } as const;

class FakePeer {
  signalingState = "stable";
  connectionState = "connected";
  localDescription = { toJSON: () => OFFER };
  onnegotiationneeded = (): void => undefined;
  setLocalDescription = async (): Promise<void> => undefined;
  setRemoteDescription = vi.fn(async () => {
    if (this.signalingState === "stable") throw new Error("an answer without an offer");
    this.signalingState = "stable";
  });
  restartIce = vi.fn();
  addTrack = vi.fn();
  createDataChannel = () => ({});
}

afterEach(() => vi.unstubAllGlobals());

async function lineOf(peer: FakePeer, signal: (sent: PeerSignal) => void, failed = vi.fn()): Promise<PeerCall> {
  const stream = { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] };
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: async () => stream } });
  vi.stubGlobal(
    "RTCPeerConnection",
    vi.fn(function create() {
      return peer;
    }),
  );
  const devices = new CallDevices({ getItem: () => null } as unknown as Storage, "https://chat.example.com/");
  const line = await PeerCall.open(false, devices, { signal, changed: vi.fn(), connected: vi.fn(), failed });
  line.begin(false, []);
  return line;
}

it("repeats an offer that was not answered", async () => {
  const peer = new FakePeer();
  const signal = vi.fn();
  const line = await lineOf(peer, signal);
  peer.onnegotiationneeded();
  await eventually(() => expect(signal).toHaveBeenCalledOnce());
  signal.mockClear();
  line.restart();
  expect(signal).not.toHaveBeenCalled();
  peer.signalingState = "have-local-offer";
  line.restart();
  expect(signal).toHaveBeenCalledExactlyOnceWith({ description: OFFER, offer: 1 });
  expect(peer.restartIce).not.toHaveBeenCalled();
});

it("takes one answer to an offer that was sent twice, and none to an earlier offer", async () => {
  const peer = new FakePeer();
  const signal = vi.fn();
  const failed = vi.fn();
  const line = await lineOf(peer, signal, failed);
  for (const wanted of [1, 2]) {
    peer.onnegotiationneeded();
    await eventually(() => expect(signal).toHaveBeenCalledTimes(wanted));
  }
  peer.signalingState = "have-local-offer";
  for (const offer of [1, 2, 2]) line.receive({ description: ANSWER, offer });
  await eventually(() => expect(peer.signalingState).toBe("stable"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(peer.setRemoteDescription).toHaveBeenCalledOnce();
  expect(failed).not.toHaveBeenCalled();
});

it("restarts ICE without a connection", async () => {
  const peer = new FakePeer();
  const line = await lineOf(peer, vi.fn());
  peer.connectionState = "disconnected";
  line.restart();
  expect(peer.restartIce).toHaveBeenCalledOnce();
});
