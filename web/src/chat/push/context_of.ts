/** What notifications show of conversations: their names, and the pictures of other users. */

import { type ConversationsById, newestFirst, own } from "@talkwire/client/parts";
import type { PushContext, SavedPicture } from "./push_context";

/** The pictures of the newest conversations are saved. */
const PICTURES_MAX = 30;
/** Larger than any thumbnail. */
const PICTURE_BYTES_MAX = 100_000;

/** Returns the names of groups and channels: in direct conversations the headline names the other user. */
export function namesIn(conversations: ConversationsById): Record<string, string> {
  const named = Object.values(conversations).filter(({ kind }) => kind !== "direct");
  return Object.fromEntries(named.flatMap(({ id, name }) => (name === undefined ? [] : [[id, name]])));
}

/** Returns the paths of pictures: by conversation for direct ones, and by user for those who wrote last elsewhere. */
export function picturePathsIn(conversations: ConversationsById): Map<string, string> {
  const paths = new Map<string, string>();
  for (const { id, kind, avatar, lastMessage } of newestFirst(conversations)) {
    const sender = lastMessage?.sender;
    const [key, path] = kind === "direct" ? [id, avatar] : [sender?.id, sender?.avatar];
    // Another server would learn who reads.
    if (key !== undefined && path?.startsWith("/") && !paths.has(key)) paths.set(key, path);
    if (paths.size === PICTURES_MAX) break;
  }
  return paths;
}

/** Returns the pictures themselves. Loads those that are not saved. */
export async function picturesFor(
  conversations: ConversationsById,
  saved: PushContext["pictures"],
  load: (path: string) => Promise<Blob>,
): Promise<Record<string, SavedPicture>> {
  const pictures: Record<string, SavedPicture> = {};
  for (const [key, path] of picturePathsIn(conversations)) {
    const before = own(saved, key);
    if (before?.path === path) pictures[key] = before;
    else {
      const url = await load(path).then(dataUrlOf, () => undefined);
      if (url !== undefined) pictures[key] = { path, url };
    }
  }
  return pictures;
}

/** Returns undefined for what is no small picture, such as an error. */
async function dataUrlOf(picture: Blob): Promise<string | undefined> {
  if (!picture.type.startsWith("image/") || picture.size > PICTURE_BYTES_MAX) return undefined;
  const bytes = new Uint8Array(await picture.arrayBuffer());
  return `data:${picture.type};base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
