import { isInDeletedThread, isReplyToDeleted } from "@talkwire/client/parts";
import { readableSize } from "../../chat/files/file_size";
import { problemOf } from "../../server/worded_error";
import { texts } from "../../texts";

interface Refused {
  readonly problem: string | null;
  readonly problemCode?: string;
  readonly problemDetails?: unknown;
}

/** Too large, or not in this browser any more. */
const FINAL: ReadonlySet<string> = new Set(["file_too_large", "payload_too_large", "unreadable"]);

/** Returns whether a file cannot be sent however often that is tried. */
export const isFinal = ({ problem, problemCode = "" }: Refused): boolean => problem !== null && FINAL.has(problemCode);

/** Returns why a file was not uploaded, in the reader's language. */
export function problemText(file: Refused): string {
  const { problem, problemCode = "", problemDetails } = file;
  return ownProblem(file) ?? (problem === null ? "" : problemOf(problemCode, problem, problemDetails));
}

/** Returns why a message or a change was not sent. The server's reason is stored in the reader's language. */
export function unsentText(entry: Refused): string {
  return ownProblem(entry) ?? entry.problem ?? "";
}

/** Returns the reason where this client knows it better than the server's text does. */
function ownProblem({ problemCode, problemDetails }: Refused): string | undefined {
  if (problemCode === "files_lost" || problemCode === "unreadable") return texts.filesLost;
  if (isReplyToDeleted({ problemDetails })) return texts.repliedWasDeleted;
  if (isInDeletedThread({ problemDetails })) return texts.threadWasDeleted;
  const { maxSize } = (problemDetails ?? {}) as { maxSize?: number };
  if (problemCode === "file_too_large" && maxSize !== undefined) return texts.fileTooLarge(readableSize(maxSize));
  return undefined;
}
