/** Uploads one file by the tus protocol (docs/files.md). The first file loads this module. */

import { DefaultHttpStack, type DetailedError, type HttpRequest, type HttpResponse, Upload } from "tus-js-client";
import { type FrameSize, frameSizeOf } from "../files/film.ts";
import { stopped } from "../files/stopped_upload.ts";
import { errorBodyOf, RequestError, UNREACHABLE } from "./request_error.ts";
import type { Rest } from "./rest.ts";

/** Bytes of one request: small enough for proxies that buffer requests. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FILES = "api/v1/files";
/**
 * Another request still works on the upload or was aborted: the server says where to continue. With 410, the node that
 * held the upload is gone and the library restarts it.
 */
const TRANSIENT_STATUSES = new Set([408, 409, 410, 423, 460]);

export interface FileUpload {
  readonly name: string;
  readonly type: string;
  readonly bytes: Blob;
  /** The server's id of the upload, when it has started before. */
  readonly startedAs: string | null;
}

export interface FileUploadListener {
  started(id: string): void;
  progressed(bytes: number): void;
  /** The file is a film with frames of this size. */
  measured(frame: FrameSize): void;
}

/** Uploads a file and returns its id. Rejects with `RequestError`; after `stop` with anything. */
export async function upload(
  rest: Rest,
  { name, type, bytes, startedAs }: FileUpload,
  listener: FileUploadListener,
  stop: AbortSignal,
): Promise<string> {
  try {
    const content = await contentOf(bytes);
    // A signal that was aborted before fires no event.
    if (stop.aborted) throw stopped();
    const frame = frameSizeOf(bytes, type);
    const id = await new Promise<string>((resolve, reject) => {
      const sent: Upload = new Upload(content, {
        endpoint: rest.authenticatedUrl(FILES),
        uploadUrl: startedAs === null ? null : rest.authenticatedUrl(`${FILES}/${startedAs}`),
        metadata: { filename: name, filetype: type },
        httpStack: new ServerPaths(rest),
        chunkSize: CHUNK_BYTES,
        retryDelays: null,
        storeFingerprintForResuming: false,
        onBeforeRequest: (request) => addToken(rest, request),
        onAfterResponse: keepUploadOnBusyServer,
        onUploadUrlAvailable: () => listener.started(idOf(sent.url)),
        onProgress: (count) => listener.progressed(count),
        onSuccess: () => resolve(idOf(sent.url)),
        onError: (error) => reject(requestErrorOf(error)),
      });
      stop.addEventListener("abort", () => {
        void sent.abort();
        reject(stopped());
      });
      sent.start();
    });
    const size = await frame;
    if (size !== undefined) listener.measured(size);
    return id;
  } catch (error) {
    if (error instanceof RequestError && error.code === "token_expired") await rest.refresh();
    throw error;
  }
}

/** The uploading library reads a `Blob` in browsers only. */
async function contentOf(bytes: Blob): Promise<Blob> {
  if ("window" in globalThis || !("Buffer" in globalThis)) return bytes;
  const { Buffer } = globalThis as unknown as { Buffer: { from(content: ArrayBuffer): Blob } };
  return Buffer.from(await bytes.arrayBuffer());
}

/** Builds URLs below the page's base path, with a demo user's id. */
class ServerPaths extends DefaultHttpStack {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    super({});
    this.#rest = rest;
  }

  override createRequest(method: string, url: string): HttpRequest {
    const path = method === "POST" ? FILES : `${FILES}/${idOf(url)}`;
    // The token is for downloads.
    return super.createRequest(method, this.#rest.authenticatedUrl(path).replace(/\?token=.*$/, ""));
  }
}

async function addToken(rest: Rest, request: HttpRequest): Promise<void> {
  const session = await rest.freshSession();
  if (session?.accessToken !== undefined) request.setHeader("Authorization", `Bearer ${session.accessToken}`);
}

/** The library restarts an upload when it cannot learn its progress, but a busy server has not lost it. */
function keepUploadOnBusyServer(request: HttpRequest, response: HttpResponse): void {
  const status = response.getStatus();
  if (request.getMethod() === "HEAD" && (status >= 500 || status === 429 || status === 401))
    throw new RequestError({ code: status === 401 ? "token_expired" : "unavailable", message: String(status) });
}

function idOf(url: string | null): string {
  return (
    (url ?? "")
      .replace(/[?#].*$/, "")
      .split("/")
      .at(-1) ?? ""
  );
}

function requestErrorOf(error: Error | DetailedError): RequestError {
  const { originalResponse = null, causingError = null } = error as Partial<DetailedError>;
  if (causingError instanceof RequestError) return causingError;
  // The file was moved or changed after it was chosen. React Native has no such class.
  if (causingError?.constructor.name === "DOMException")
    return new RequestError({ code: "unreadable", message: causingError.message });
  if (originalResponse === null) return new RequestError({ code: UNREACHABLE, message: error.message });
  const status = originalResponse.getStatus();
  const body = errorBodyOf(jsonOf(originalResponse.getBody()));
  if (status >= 500 || TRANSIENT_STATUSES.has(status))
    return new RequestError({ code: "unavailable", message: body?.message ?? "" });
  return new RequestError(body ?? { code: String(status), message: error.message });
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
