/** Files of React Native: pickers return where a file is, and the program cannot read its bytes. */

import { RequestError } from "../server/request_error.ts";

/** A file of React Native, as its `FormData` takes it. */
export interface NativeFile {
  /** Where it is on the device: `file://…`, or `content://…` of Android. */
  readonly uri: string;
  readonly name: string;
  /** Its media type, such as `image/jpeg`. */
  readonly type: string;
  /** In bytes, if it is known. */
  readonly size?: number;
}

/** Rejects a file that can neither be read nor found. `path`: names it for programmers. */
export function checkFile(file: unknown, path: string): void {
  const { uri, name, type, size, slice } = (file ?? {}) as Partial<Record<keyof NativeFile | "slice", unknown>>;
  const isFile = typeof size === "number" && typeof slice === "function";
  if (typeof name === "string" && typeof type === "string" && (isFile || typeof uri === "string")) return;
  throw new RequestError({
    code: "invalid_request",
    message: `${path} is no file: give a File, or in React Native an object with the texts \`uri\`, \`name\` and \`type\`.`,
  });
}

export function isNative(file: File | NativeFile): file is NativeFile {
  return "uri" in file && typeof file.uri === "string";
}

/** Returns what a native file contains, without copying it into the memory of the program. */
export function readNative({ uri, name }: NativeFile): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const fail = (): void =>
      reject(new RequestError({ code: "unreadable", message: `The file “${name}” cannot be read at its \`uri\`.` }));
    if (typeof XMLHttpRequest === "undefined") return fail();
    // `fetch` of React Native refuses the answers of `content:` addresses, which have no status.
    const request = new XMLHttpRequest();
    request.responseType = "blob";
    request.onload = () => resolve(request.response as Blob);
    request.onerror = fail;
    request.open("GET", uri);
    request.send();
  });
}
