/** Messages as previews: in one line and as plain text. */

import type { Attachment, Message } from "@talkwire/client";
import type { PendingFile } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { isPicture } from "../files/files";

interface Contents {
  readonly content?: string | undefined;
  readonly attachments?: readonly Attachment[] | undefined;
  readonly deletedAt?: string | undefined;
  readonly state?: Message["state"] | undefined;
}

/** Returns the message's text, otherwise what is attached, or that somebody begins to write it. */
export function messageSummary({ content = "", attachments = [], deletedAt, state }: Contents): string {
  if (deletedAt !== undefined) return texts.deleted;
  if (content !== "") return content;
  if (attachments.length === 0) return state === "streaming" ? texts.typingNow : "";
  if (attachments.every(isPicture)) return texts.photos(attachments.length);
  const [first] = attachments;
  if (attachments.length > 1 || first === undefined) return texts.files(attachments.length);
  if ((first.waveform?.length ?? 0) > 0) return texts.voice.fileName;
  // Music is called by its title.
  return first.kind === "audio" ? first.name.replace(/\.\w+$/, "") : first.name;
}

/** Returns what is attached to a message whose summary is its text; empty if nothing is. */
export function attachedSummary({ content = "", attachments, deletedAt }: Contents): string {
  return content === "" || deletedAt !== undefined ? "" : messageSummary({ attachments });
}

/** Returns what is attached to a message that is not sent yet. */
export function filesSummary(files: readonly PendingFile[]): string {
  const [first] = files;
  if (first === undefined) return "";
  if (files.length > 1) return texts.files(files.length);
  return first.voice === undefined ? first.name : texts.voice.fileName;
}
