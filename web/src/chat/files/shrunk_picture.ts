/** Smaller versions of photos, which a worker makes. Loaded with the first photo that is sent. */

import type { FileVersion } from "@talkwire/client/parts";
import { workerAddress } from "../../trusted_workers";

/** What one may have, as nearly all photos of phones do. Each pixel takes four bytes of memory. */
const PIXELS_MAX = 50_000_000;
/** A worker that takes longer hangs. */
const WORK_MS = 30_000;

let before: Promise<unknown> = Promise.resolve();

/** Returns a smaller version of a photo; null if it cannot be made. One at a time, since each takes memory. */
export async function shrunkPicture({ name, type, bytes }: FileVersion): Promise<FileVersion | null> {
  const made = before.then(() => worked(bytes)).catch(() => null);
  before = made;
  const jpegName = type === "image/jpeg" ? name : name.replace(/(\.\w+)?$/, ".jpg");
  const jpeg = await made;
  return jpeg && { name: jpegName, type: jpeg.type, bytes: jpeg };
}

async function worked(picture: Blob): Promise<Blob | null> {
  if ((await pixelsOf(picture)) > PIXELS_MAX) return null;
  const worker = new Worker(workerAddress("picture"));
  const made = new Promise<Blob | null>((resolve, reject) => {
    worker.addEventListener("message", ({ data }) => resolve(data));
    worker.addEventListener("error", reject);
    setTimeout(reject, WORK_MS);
    worker.postMessage(picture);
  });
  return made.finally(() => worker.terminate());
}

/** Browsers know a picture's size before they decode it. */
async function pixelsOf(picture: Blob): Promise<number> {
  const image = new Image();
  const url = URL.createObjectURL(picture);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = url;
    });
    return image.naturalWidth * image.naturalHeight;
  } finally {
    URL.revokeObjectURL(url);
  }
}
