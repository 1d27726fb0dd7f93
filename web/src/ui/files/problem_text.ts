import { readableSize } from "../../chat/files/file_size";
import { problemOf } from "../../server/worded_error";
import { texts } from "../../texts";

interface Refused {
  readonly problem: string | null;
  readonly problemCode?: string;
  readonly problemDetails?: unknown;
}

/** Returns why a message or a file was not sent, in the reader's language where the client has refused it. */
export function problemText({ problem, problemCode, problemDetails }: Refused): string {
  if (problemCode === "files_lost" || problemCode === "unreadable") return texts.filesLost;
  const { maxSize } = (problemDetails ?? {}) as { maxSize?: number };
  if (problemCode === "file_too_large" && maxSize !== undefined) return texts.fileTooLarge(readableSize(maxSize));
  return problem === null ? "" : problemOf(problemCode ?? "", problem, problemDetails);
}
