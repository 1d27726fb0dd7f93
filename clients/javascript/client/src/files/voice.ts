/** Voice messages: how long a recording is, and how loud it is over its time. */

export interface Voice {
  readonly durationMs: number;
  /** The loudness from 0 to 100, at equal distances. */
  readonly waveform: readonly number[];
}

/** The server accepts up to 100. */
const PEAKS = 64;

const voices = new WeakMap<File, Voice>();

/** Returns a recording as a file that is sent as a voice message. */
export function voiceFile(recording: Blob, name: string, voice: Voice): File {
  const file = new File([recording], name, { type: recording.type });
  voices.set(file, voice);
  return file;
}

/** Returns what is known of a recording; undefined for any other file. */
export function voiceOf(file: File): Voice | undefined {
  return voices.get(file);
}

/** Returns the loudness of equal parts of a recording, from 0 to 100. The loudest part is 100. */
export function waveformOf(samples: Float32Array, count = PEAKS): number[] {
  const parts = Math.min(count, samples.length);
  const loudness = Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * samples.length) / parts);
    const to = Math.floor(((part + 1) * samples.length) / parts);
    let sum = 0;
    for (let at = from; at < to; at++) sum += (samples[at] ?? 0) ** 2;
    return Math.sqrt(sum / Math.max(1, to - from));
  });
  const loudest = Math.max(...loudness, 0);
  // What is hardly heard is not drawn as loud.
  return loudness.map((each) => Math.round((100 * each) / Math.max(loudest, 0.02)));
}
