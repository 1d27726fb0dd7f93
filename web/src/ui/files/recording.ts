import { type Voice, voiceFile, waveformOf } from "@talkwire/client/parts";
import { texts } from "../../texts";

/** A recording ends by itself after this time. */
export const RECORDING_MAX_MS = 10 * 60_000;

/** The formats in order of preference: the first one is played by every browser. */
const FORMATS = [
  { type: "audio/mp4;codecs=mp4a.40.2", extension: "m4a" },
  { type: "audio/webm;codecs=opus", extension: "webm" },
  { type: "audio/ogg;codecs=opus", extension: "ogg" },
];

/** A recording in progress. */
export class Recording {
  readonly startedAt = performance.now();
  readonly #stream: MediaStream;
  readonly #recorder: MediaRecorder;
  readonly #extension: string;
  readonly #chunks: Blob[] = [];

  /** Asks for the microphone, and records. Rejects when the reader or the browser refuses. */
  static async start(): Promise<Recording> {
    return new Recording(await navigator.mediaDevices.getUserMedia({ audio: true }));
  }

  private constructor(stream: MediaStream) {
    const format = FORMATS.find(({ type }) => MediaRecorder.isTypeSupported(type));
    this.#stream = stream;
    this.#extension = format?.extension ?? "webm";
    this.#recorder = new MediaRecorder(stream, format === undefined ? {} : { mimeType: format.type });
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#chunks.push(data));
    this.#recorder.start(1_000);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Ends the recording, and returns it as a file. */
  async finish(): Promise<File> {
    await this.#end();
    const type = this.#recorder.mimeType.split(";")[0] ?? "audio/webm";
    const blob = new Blob(this.#chunks, { type });
    return voiceFile(blob, `${texts.voice.fileName}.${this.#extension}`, await described(blob));
  }

  /** Ends the recording, and throws it away. */
  cancel(): void {
    void this.#end();
  }

  #end(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#recorder.state === "inactive") resolve();
      else this.#recorder.addEventListener("stop", () => resolve(), { once: true });
    });
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    // The browser shows that the microphone is on until its tracks end.
    for (const track of this.#stream.getTracks()) track.stop();
    return ended;
  }
}

async function described(recording: Blob): Promise<Voice> {
  const context = new AudioContext();
  try {
    const audio = await context.decodeAudioData(await recording.arrayBuffer());
    return { durationMs: Math.round(audio.duration * 1_000), waveform: waveformOf(audio.getChannelData(0)) };
  } finally {
    await context.close();
  }
}
