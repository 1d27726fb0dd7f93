import { readableSize } from "../../chat/files/file_size";
import { problemOf } from "../../server/worded_error";
import { texts } from "../../texts";

interface Refused {
  readonly problem: string | null;
  readonly problemCode?: string;
  readonly problemDetails?: unknown;
}

/** Returns why a file was not uploaded, in the reader's language. */
export function problemText(file: Refused): string {
  const { problem, problemCode = "", problemDetails } = file;
  return ownProblem(file) ?? (problem === null ? "" : problemOf(problemCode, problem, problemDetails));
}

/** Returns why a message or a change was not sent. The server's reason is stored in the reader's language. */
export function unsentText(entry: Refused): string {
  return ownProblem(entry) ?? entry.problem ?? "";
}

/** Returns what this client has refused itself; undefined for a refusal of the server. */
function ownProblem({ problemCode, problemDetails }: Refused): string | undefined {
  if (problemCode === "files_lost" || problemCode === "unreadable") return texts.filesLost;
  const { maxSize } = (problemDetails ?? {}) as { maxSize?: number };
  if (problemCode === "file_too_large" && maxSize !== undefined) return texts.fileTooLarge(readableSize(maxSize));
  return undefined;
}
