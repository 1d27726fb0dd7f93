/** The beginning of a text file. */

import type { Attachment } from "@talkwire/client";
import type { Api } from "../../server/api";

const READ_MAX = 64 * 1024;
const TEXTS = /^text\/|^application\/(?:json|xml|x-yaml|yaml|toml|x-sh|javascript|sql)$/;

/** Returns whether the reader can look at a file as a text. */
export function isText({ contentType = "", id }: Attachment): boolean {
  return id !== undefined && TEXTS.test(contentType);
}

export interface TextPreview {
  /** The bytes of the text, in an encoding that nothing names (`text_encoding.ts`). */
  readonly bytes: Uint8Array;
  /** Whether this is the whole file. */
  readonly isWhole: boolean;
}

/** Loads the beginning of a text file. Rejects with an error whose message is for the reader. */
export async function textPreview(api: Api, { url, size }: Attachment, failed: string): Promise<TextPreview> {
  await api.renewAddressToken();
  const answer = await fetch(api.authenticatedUrl(url), { headers: { Range: `bytes=0-${READ_MAX - 1}` } }).catch(
    () => null,
  );
  // A range of an empty file is refused.
  if (size === 0 && answer?.status === 416) return { bytes: new Uint8Array(), isWhole: true };
  if (answer === null || !answer.ok) throw new Error(failed);
  return { bytes: new Uint8Array(await answer.arrayBuffer()), isWhole: size === undefined || size <= READ_MAX };
}

/** Returns a short name for the kind of a file, by the end of its name. Empty where there is none. */
export function extensionOf(name: string): string {
  return /[^.]\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toUpperCase() ?? "";
}
