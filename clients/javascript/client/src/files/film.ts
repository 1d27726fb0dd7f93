/** Films that the reader sends: the size of their frames, which the server does not know. */

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** The parts of `HTMLVideoElement` that are used here: service workers, which import this module too, have none. */
interface VideoElement {
  readonly videoWidth: number;
  readonly videoHeight: number;
  preload: string;
  src: string;
  onloadedmetadata: (() => void) | null;
  onerror: (() => void) | null;
  removeAttribute(name: string): void;
}

/** A film whose size is unknown by then is sent without it. */
const DEADLINE_MS = 3_000;

/** Returns the size of a film's frames in pixels; undefined for other files, unreadable ones, and outside of browsers. */
export async function frameSizeOf(bytes: Blob, type: string): Promise<FrameSize | undefined> {
  const { document } = globalThis as unknown as { document?: { createElement(name: "video"): VideoElement } };
  if (!type.startsWith("video/") || document === undefined) return undefined;
  const film = document.createElement("video");
  const url = URL.createObjectURL(bytes);
  try {
    return await new Promise((resolve) => {
      const done = () => {
        const { videoWidth: width, videoHeight: height } = film;
        resolve(width > 0 && height > 0 ? { width, height } : undefined);
      };
      film.onloadedmetadata = film.onerror = done;
      setTimeout(done, DEADLINE_MS);
      film.preload = "metadata";
      film.src = url;
    });
  } finally {
    film.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}
