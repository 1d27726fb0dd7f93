import { texts } from "../../texts";

/** The server stores a picture with more as a file to download. */
const PIXELS_MAX = 64_000_000;

/** Rejects with a message for the reader if this browser or the server cannot show a file as a picture. */
export async function requirePicture(file: File): Promise<void> {
  const picture = await createImageBitmap(file).catch(() => null);
  const pixels = picture === null ? Number.POSITIVE_INFINITY : picture.width * picture.height;
  picture?.close();
  if (pixels > PIXELS_MAX) throw new Error(texts.settings.noPicture);
}
