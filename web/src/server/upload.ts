/** One file on its way to the server, by the tus protocol (docs/files.md). A module of its own, loaded with the first file. */

import { DefaultHttpStack, type DetailedError, type HttpRequest, type HttpResponse, Upload } from "tus-js-client";
import type { Api } from "./api";
import type { ErrorAnswer, ErrorBody } from "./payloads";
import { Refused, UNREACHABLE } from "./refused";

/** Bytes of one request: what a proxy that holds requests back lets through, and does not stall. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FILES = "api/v1/files";
/** Another request still works on the upload, or was broken off: the server says where to go on. Or the node that held
 *  it is gone (410): the library then begins anew. */
const PASSING = new Set([408, 409, 410, 423, 460]);

export interface Shipment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Blob;
  /** What the server calls it, where it has begun before. */
  readonly startedAs: string | null;
}

export interface ShipmentListener {
  started(id: string): void;
  progressed(bytes: number): void;
}

/** Answers the file's id when all of it is on the server. Rejects with `Refused`; after `stop` with anything. */
export async function upload(
  api: Api,
  { name, type, bytes, startedAs }: Shipment,
  listener: ShipmentListener,
  stop: AbortSignal,
): Promise<string> {
  try {
    return await new Promise((resolve, reject) => {
      const sent: Upload = new Upload(bytes, {
        endpoint: api.provenAddress(FILES),
        uploadUrl: startedAs === null ? null : api.provenAddress(`${FILES}/${startedAs}`),
        metadata: { filename: name, filetype: type },
        httpStack: new OwnPaths(api),
        chunkSize: CHUNK_BYTES,
        retryDelays: null,
        storeFingerprintForResuming: false,
        onBeforeRequest: (request) => prove(api, request),
        onAfterResponse: keepWhatIsThere,
        onUploadUrlAvailable: () => listener.started(idIn(sent.url)),
        onProgress: (count) => listener.progressed(count),
        onSuccess: () => resolve(idIn(sent.url)),
        onError: (error) => reject(refusalOf(error)),
      });
      stop.addEventListener("abort", () => {
        void sent.abort();
        reject(stop.reason);
      });
      sent.start();
    });
  } catch (error) {
    if (error instanceof Refused && error.code === "token_expired") await api.refresh();
    throw error;
  }
}

/** The server names addresses from its own root, and a user of a demo server is proven by the address. */
class OwnPaths extends DefaultHttpStack {
  readonly #api: Api;

  constructor(api: Api) {
    super({});
    this.#api = api;
  }

  override createRequest(method: string, url: string): HttpRequest {
    const path = method === "POST" ? FILES : `${FILES}/${idIn(url)}`;
    const address = new URL(this.#api.provenAddress(path));
    // A token travels in the header, where logs do not keep it.
    address.searchParams.delete("token");
    return super.createRequest(method, address.href);
  }
}

async function prove(api: Api, request: HttpRequest): Promise<void> {
  const session = await api.fresh();
  if (session?.accessToken !== undefined) request.setHeader("Authorization", `Bearer ${session.accessToken}`);
}

/** The library begins anew where it cannot learn how far an upload is; but a server that is busy has not lost it. */
function keepWhatIsThere(request: HttpRequest, response: HttpResponse): void {
  const status = response.getStatus();
  if (request.getMethod() === "HEAD" && (status >= 500 || status === 429 || status === 401))
    throw new Refused({ code: status === 401 ? "token_expired" : "unavailable", message: String(status) });
}

function idIn(url: string | null): string {
  return new URL(url ?? "", document.baseURI).pathname.split("/").at(-1) ?? "";
}

function refusalOf(error: Error | DetailedError): Refused {
  const { originalResponse = null, causingError = null } = error as Partial<DetailedError>;
  if (causingError instanceof Refused) return causingError;
  // The file was moved or changed after it was chosen.
  if (causingError instanceof DOMException) return new Refused({ code: "unreadable", message: causingError.message });
  if (originalResponse === null) return new Refused({ code: UNREACHABLE, message: error.message });
  const status = originalResponse.getStatus();
  const body = errorIn(originalResponse.getBody());
  if (status >= 500 || PASSING.has(status)) return new Refused({ code: "unavailable", message: body?.message ?? "" });
  return new Refused(body ?? { code: String(status), message: error.message });
}

function errorIn(body: string): ErrorBody | undefined {
  try {
    return (JSON.parse(body) as Partial<ErrorAnswer>).error;
  } catch {
    return undefined;
  }
}
