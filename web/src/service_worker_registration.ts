/** Registers the service worker: it shows the page while the server is unreachable, and what the server pushes. */

const WORKER = "./service_worker.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

let registration: Promise<ServiceWorkerRegistration | undefined> = Promise.resolve(undefined);
/** Starts the registration. */
let start = (): void => undefined;

/** Does nothing in browsers without service workers: without HTTPS, and in some private windows. */
export function prepareServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  registration = new Promise<void>((resolve) => {
    start = resolve;
  })
    .then(() => navigator.serviceWorker.register(trusted(WORKER)))
    .catch(() => undefined);
}

/** Registers the service worker, which then loads all files of the page: nothing is more urgent any more. */
export function registerServiceWorker(): void {
  start();
}

/** Returns the registration once its service worker runs; undefined without one. */
export async function workerRegistration(): Promise<ServiceWorkerRegistration | undefined> {
  const registered = await registration;
  const worker = registered?.active ?? registered?.waiting ?? registered?.installing;
  if (!worker) return undefined;
  return (await isActivated(worker)) ? registered : undefined;
}

function isActivated(worker: ServiceWorker): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (worker.state === "activated") resolve(true);
      else if (worker.state === "redundant") resolve(false);
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

/** The page's policy allows only script URLs that this policy returns. */
function trusted(url: typeof WORKER): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("talkwire-service-worker", { createScriptURL: () => WORKER });
  return policy?.createScriptURL(url) ?? url;
}
