/** Has the browser keep the page, so that a reload shows it while the server cannot be reached. */

const WORKER = "./service_worker.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Does nothing where the browser has no service workers: without HTTPS, and in some private windows. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // The page has more urgent things to load first.
  addEventListener("load", () => {
    navigator.serviceWorker.register(trusted(WORKER)).catch(() => undefined);
  });
}

/** The page's policy allows no address of a script but the one that goes through here. */
function trusted(url: typeof WORKER): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("talkwire-service-worker", { createScriptURL: () => WORKER });
  return policy?.createScriptURL(url) ?? url;
}
