/** Registers the service worker, which lets a reload show the page while the server is unreachable. */

const WORKER = "./service_worker.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Does nothing in browsers without service workers: without HTTPS, and in some private windows. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // The page has more urgent requests first.
  addEventListener("load", () => {
    navigator.serviceWorker.register(trusted(WORKER)).catch(() => undefined);
  });
}

/** The page's policy allows only script URLs that this policy returns. */
function trusted(url: typeof WORKER): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("talkwire-service-worker", { createScriptURL: () => WORKER });
  return policy?.createScriptURL(url) ?? url;
}
