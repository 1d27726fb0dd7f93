/** Messages as previews: in one line and as plain text. */

import type { Attachment } from "../../server/payloads";
import { texts } from "../../texts";
import { isPicture } from "../files/files";

interface Said {
  readonly content?: string | undefined;
  readonly attachments?: readonly Attachment[] | undefined;
  readonly deletedAt?: string | undefined;
}

/** Returns the message's text, otherwise what is attached. */
export function messageSummary({ content = "", attachments = [], deletedAt }: Said): string {
  if (deletedAt !== undefined) return texts.deleted;
  if (content !== "") return content;
  if (attachments.length === 0) return "";
  if (attachments.every(isPicture)) return texts.photos(attachments.length);
  const [first] = attachments;
  return attachments.length === 1 && first !== undefined ? first.name : texts.files(attachments.length);
}

/** Enough for a preview of a few lines, and a limit for the work. */
const PREVIEW_MAX = 600;

/** Returns the start of a text without Markdown syntax. */
export function plainText(text: string): string {
  return text
    .slice(0, PREVIEW_MAX)
    .replace(/!?\[([^\]\n]+)\]\([^)\s]*\)/g, "$1")
    .replace(/(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\p{L}\p{N}*])/gu, "$1")
    .replace(/(`+)([^`]+)\1/g, "$2")
    .replace(/^ {0,3}(?:#{1,6}|>) +/gm, "");
}
