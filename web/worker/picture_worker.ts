/** Makes pictures smaller. The page posts one as a blob; the answer is a JPEG, or null if the picture stays as it is. */

export {};

declare const self: DedicatedWorkerGlobalScope;

const SIDE_MAX = 2560;
const QUALITY = 0.85;
/** The part of the original's size from which a smaller version does not pay. */
const WORTHWHILE = 0.8;

self.addEventListener("message", async ({ data }: MessageEvent<Blob>) => {
  self.postMessage(await smaller(data).catch(() => null));
});

async function smaller(picture: Blob): Promise<Blob | null> {
  // Browsers draw a picture by its content, whatever its type is said to be.
  const head = await bytesOf(picture.slice(0, 21));
  const isJpeg = textOf(head).startsWith("\xff\xd8\xff");
  if (!isJpeg && !(await isStill(picture, head))) return null;
  // Turned as its EXIF data say.
  const bitmap = await createImageBitmap(picture);
  const scale = Math.min(1, SIDE_MAX / Math.max(bitmap.width, bitmap.height));
  const scaled = (side: number): number => Math.max(1, Math.round(side * scale));
  const canvas = new OffscreenCanvas(scaled(bitmap.width), scaled(bitmap.height));
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  if (!isJpeg && isTransparent(context)) return null;
  const made = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  return made.size <= WORTHWHILE * picture.size ? made : null;
}

function isTransparent(context: OffscreenCanvasRenderingContext2D): boolean {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 255) return true;
  return false;
}

/** Returns whether a picture is a PNG or a WebP that is not animated. */
async function isStill(picture: Blob, head: Uint8Array): Promise<boolean> {
  const text = textOf(head);
  if (text.startsWith("\x89PNG")) return isStillPng(picture);
  // The flag of the extended format's header.
  return /^RIFF.{4}WEBP/s.test(text) && !(text.slice(12, 16) === "VP8X" && ((head[20] ?? 0) & 2) !== 0);
}

/** An animated PNG has a chunk that says so before the first one with pixels. */
async function isStillPng(picture: Blob): Promise<boolean> {
  for (let start = 8; start < picture.size; ) {
    const head = await bytesOf(picture.slice(start, start + 8));
    const type = textOf(head.subarray(4));
    if (type === "acTL" || type === "IDAT") return type === "IDAT";
    start += 12 + new DataView(head.buffer).getUint32(0);
  }
  return false;
}

const bytesOf = async (part: Blob): Promise<Uint8Array> => new Uint8Array(await part.arrayBuffer());
const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
