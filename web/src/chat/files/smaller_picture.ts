/** Which photos are sent to the server in a smaller version. */

import type { FileVersion } from "@talkwire/client/parts";
import { repeatable } from "../../repeatable_import";

/** Pictures that may be photos. Others are animated or vectors, or few browsers read them. */
const PHOTOS = /^image\/(jpeg|png|webp)$/;
const LARGE_BYTES = 2_000_000;
/** Where each byte counts. */
const LITTLE_BYTES = 200_000;

const loadShrinking = repeatable(() => import("./shrunk_picture"));

/** Returns whether a picture is sent smaller, unless its reader wants the original. */
export function mayShrink(type: string, size: number): boolean {
  return PHOTOS.test(type) && size > (isSparing() ? LITTLE_BYTES : LARGE_BYTES);
}

function isSparing(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true || matchMedia("(pointer: coarse)").matches;
}

/** Returns a smaller version of a photo; null where the original is to be sent. */
export async function smallerPicture(picture: FileVersion): Promise<FileVersion | null> {
  if (!mayShrink(picture.type, picture.bytes.size)) return null;
  const shrinking = await loadShrinking().catch(() => undefined);
  return shrinking?.shrunkPicture(picture) ?? null;
}
