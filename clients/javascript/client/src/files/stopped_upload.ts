/** The error of an upload that was paused or removed. */

import { RequestError } from "../server/request_error.ts";

export const stopped = (): RequestError => new RequestError({ code: "stopped", message: "The upload was stopped." });
