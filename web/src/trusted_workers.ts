/** The page's workers. The page's policy allows only script URLs that the one policy for trusted types returns. */

import pictureWorker from "../worker/picture_worker?worker&url";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const WORKERS = { service: "./service_worker.js", picture: pictureWorker } as const;

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("talkwire-workers", {
  createScriptURL: (name) => WORKERS[name as keyof typeof WORKERS],
});

/** Returns the address of a worker's script, as the page's policy asks for it. */
export function workerAddress(name: keyof typeof WORKERS): string {
  return policy?.createScriptURL(name) ?? WORKERS[name];
}
