import { voiceFile, voiceOf, waveformOf } from "@talkwire/client/parts";
import { describe, expect, it } from "vitest";
import { playingTime } from "../src/ui/files/playing_time";

describe("a waveform", () => {
  it("has the loudness of equal parts, of which the loudest is 100", () => {
    const samples = Float32Array.from({ length: 400 }, (_, at) => (at < 100 ? 0 : at < 200 ? 0.25 : -0.5));
    expect(waveformOf(samples, 4)).toEqual([0, 50, 100, 100]);
  });

  it("is within what the server accepts, whatever was recorded", () => {
    const noise = Float32Array.from({ length: 44_100 }, (_, at) => Math.sin(at) * 3);
    const waveform = waveformOf(noise);
    expect(waveform.length).toBeLessThanOrEqual(100);
    expect(waveform.every((each) => Number.isInteger(each) && each >= 0 && each <= 100)).toBe(true);
    expect(waveformOf(new Float32Array(0))).toEqual([]);
    expect(waveformOf(new Float32Array(3))).toEqual([0, 0, 0]);
  });

  it("is flat for silence with a little noise", () => {
    const hiss = Float32Array.from({ length: 1_000 }, (_, at) => (at % 2 ? 0.0005 : -0.0005));
    expect(Math.max(...waveformOf(hiss))).toBeLessThan(5);
  });
});

describe("a recording", () => {
  it("is a file that is known to be a voice message", () => {
    const voice = { durationMs: 1_000, waveform: [1, 2] };
    const file = voiceFile(new Blob(["x"], { type: "audio/webm" }), "Voice.webm", voice);
    expect([file.name, file.type, voiceOf(file)]).toEqual(["Voice.webm", "audio/webm", voice]);
    expect(voiceOf(new File([], "other"))).toBeUndefined();
  });
});

describe("the playing time", () => {
  it("is minutes and seconds", () => {
    expect([0, 999, 5_000, 65_000, 600_000, -5].map(playingTime)).toEqual([
      "0:00",
      "0:00",
      "0:05",
      "1:05",
      "10:00",
      "0:00",
    ]);
  });
});
