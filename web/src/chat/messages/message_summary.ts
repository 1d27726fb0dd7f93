/** Messages as previews: in one line and as plain text. */

import type { Attachment } from "@talkwire/client";
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
  if (attachments.length > 1 || first === undefined) return texts.files(attachments.length);
  // A recording is called "Voice message.webm", and music by its title.
  return first.kind === "audio" ? first.name.replace(/\.\w+$/, "") : first.name;
}
