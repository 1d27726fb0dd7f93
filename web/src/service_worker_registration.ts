/** Registers the service worker: it shows the page while the server is unreachable, and what the server pushes. */

import { workerAddress } from "./trusted_workers";

let registration: Promise<ServiceWorkerRegistration | undefined> = Promise.resolve(undefined);
/** Starts the registration. */
let start = (): void => undefined;

/** Does nothing in browsers without service workers: without HTTPS, and in some private windows. */
export function prepareServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  registration = new Promise<void>((resolve) => {
    start = resolve;
  })
    .then(() => navigator.serviceWorker.register(workerAddress("service")))
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
