/** Pictures of users and conversations. */

import type { UploadedFile } from "../server/payloads.ts";
import type { Rest } from "../server/rest.ts";

/** Uploads a picture and returns the path of its thumbnail. Rejects with `RequestError`. */
export async function uploadPicture(rest: Rest, file: File): Promise<string> {
  const form = new FormData();
  form.append("file", file);
  const { url, thumbnailUrl } = await rest.upload<UploadedFile>(form);
  return thumbnailUrl ?? url;
}
