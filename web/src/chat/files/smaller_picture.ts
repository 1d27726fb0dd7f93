/** Smaller versions of photos for the way to the server, which a worker makes. */

import type { FileVersion } from "@talkwire/client/parts";
import { workerAddress } from "../../trusted_workers";

/** Pictures that may be photos. Others are animated or vectors, or few browsers read them. */
const PHOTOS = /^image\/(jpeg|png|webp)$/;
const LARGE_BYTES = 2_000_000;
/** Where each byte counts. */
const LITTLE_BYTES = 200_000;
/** What one may have, as nearly all photos of phones do. Each pixel takes four bytes of memory. */
const PIXELS_MAX = 50_000_000;
/** A worker that takes longer hangs. */
const WORK_MS = 30_000;

/** Returns whether a picture is sent smaller, unless its reader wants the original. */
export function mayShrink(type: string, size: number): boolean {
  return PHOTOS.test(type) && size > (isSparing() ? LITTLE_BYTES : LARGE_BYTES);
}

function isSparing(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true || matchMedia("(pointer: coarse)").matches;
}

let before: Promise<unknown> = Promise.resolve();

/** Returns a smaller version of a photo; null where the original is to be sent. One at a time, since each takes memory. */
export function smallerPicture({ name, type, bytes }: FileVersion): Promise<FileVersion | null> {
  if (!mayShrink(type, bytes.size)) return Promise.resolve(null);
  const made = before.then(() => worked(bytes)).catch(() => null);
  before = made;
  const jpegName = type === "image/jpeg" ? name : name.replace(/(\.\w+)?$/, ".jpg");
  return made.then((jpeg) => jpeg && { name: jpegName, type: jpeg.type, bytes: jpeg });
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
