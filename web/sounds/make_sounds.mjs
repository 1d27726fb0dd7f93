// Makes the client's sounds from formulas, so that the repository has no recordings of others:
//
//   node sounds/make_sounds.mjs      (in web/)
//
// WAV, 16 kHz, 16 bit, mono, below 20 KB each. The files are the same each time, and a test compares them.
import { writeFileSync } from "node:fs";

const RATE = 16_000;
const FADE_S = 0.012;

const sine = (hertz, at) => Math.sin(2 * Math.PI * hertz * at);
/** Returns an envelope that starts at full volume and falls by a factor of e every `s` seconds. */
const decay = (at, s) => (at < 0 ? 0 : Math.exp(-at / s) * Math.min(1, at / 0.004));
/** Returns an envelope that rises and falls within `s` seconds. */
const swell = (at, s) => (at < 0 || at > s ? 0 : Math.sin((Math.PI * at) / s) ** 0.5);

function note(at, hertz, s) {
  return at < 0 ? 0 : decay(at, s) * (sine(hertz, at) + 0.22 * sine(2 * hertz, at) + 0.06 * sine(3 * hertz, at));
}

function knock(at) {
  // A struck object is inharmonic: its overtones are not multiples, and they end before they sound like a note.
  return decay(at, 0.028) * (sine(174, at) + 0.5 * sine(311, at)) + 0.25 * decay(at, 0.006) * sine(1480, at);
}

/** By name: the length in seconds and the waveform. */
const SOUNDS = {
  // The pitch rises like that of a drop falling into water.
  drop: [0.28, (at) => decay(at, 0.06) * sine(480 + 1500 * at, at)],
  chime: [0.58, (at) => 0.6 * note(at, 659.26, 0.16) + 0.6 * note(at - 0.13, 987.77, 0.17)],
  knock: [0.34, (at) => knock(at) + 0.8 * knock(at - 0.15)],
  bell: [0.6, (at) => 0.6 * decay(at, 0.2) * (sine(784, at) + 0.5 * sine(2164, at) + 0.25 * sine(4234, at))],
  // An incoming call, and what the caller hears until it is answered. The player repeats both.
  ring: [0.6, (at) => swell(at, 0.58) * (0.5 * sine(523.25, at) + 0.35 * sine(at % 0.12 < 0.06 ? 659.26 : 783.99, at))],
  ringback: [0.6, (at) => 0.3 * swell(at, 0.58) * sine(425, at)],
};

export function makeSounds() {
  return Object.entries(SOUNDS).map(([name, [seconds, shape]]) => [`${name}.wav`, wav(samplesOf(seconds, shape))]);
}

function samplesOf(seconds, shape) {
  const samples = Array.from({ length: Math.round(seconds * RATE) }, (_, index) => shape(index / RATE));
  const loudest = Math.max(1, ...samples.map(Math.abs));
  return samples.map((sample, index) => {
    // Fades out, so that no sound ends with a click.
    const left = (samples.length - 1 - index) / RATE;
    return Math.round((sample / loudest) * 0.8 * 32_767 * Math.min(1, left / FADE_S));
  });
}

function wav(samples) {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, index) => bytes.writeInt16LE(sample, 44 + 2 * index));
  return bytes;
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, bytes] of makeSounds()) writeFileSync(new URL(name, import.meta.url), bytes);
}
