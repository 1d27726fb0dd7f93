import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { allow, declineOffer, disallow, mayOffer, permission } from "../src/chat/alerts/permission";

const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1";
const IPAD = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15";
const ANDROID = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile Safari/537.36";

interface Browser {
  readonly isSecure?: boolean;
  /** Null: it has no notifications. */
  readonly decided?: NotificationPermission | null;
  readonly userAgent?: string;
  readonly maxTouchPoints?: number;
  readonly serviceWorker?: object;
}

function browser({ isSecure = true, decided = "default", ...navigator }: Browser): void {
  vi.stubGlobal("isSecureContext", isSecure);
  vi.stubGlobal("navigator", { userAgent: "Chrome", maxTouchPoints: 0, ...navigator });
  if (decided === null) Reflect.deleteProperty(globalThis, "Notification");
  else {
    const notification = {
      permission: decided,
      requestPermission: vi.fn(async () => (notification.permission = "granted")),
    };
    vi.stubGlobal("Notification", notification);
  }
}

beforeEach(() => {
  const saved = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => saved.get(key) ?? null,
    setItem: (key: string, value: string) => saved.set(key, value),
    removeItem: (key: string) => saved.delete(key),
  });
});
afterEach(() => void vi.unstubAllGlobals());

it.each([
  ["ask", {}],
  ["on", { decided: "granted" }],
  ["denied", { decided: "denied" }],
  ["insecure", { isSecure: false, decided: "denied" }],
  ["impossible", { decided: null }],
  ["install", { decided: null, userAgent: IPHONE }],
  ["install", { decided: null, userAgent: IPAD, maxTouchPoints: 5 }],
  ["impossible", { decided: null, userAgent: IPAD }],
  ["ask", { userAgent: ANDROID, serviceWorker: {} }],
  ["impossible", { userAgent: ANDROID }],
] satisfies [string, Browser][])("is %s for %o", (expected, given) => {
  browser(given);
  expect(permission()).toBe(expected);
});

it("asks the browser only when the reader turns notifications on for the first time", async () => {
  browser({});
  expect(await allow()).toBe("on");
  expect(disallow()).toBe("off");
  expect(await allow()).toBe("on");
  expect(Notification.requestPermission).toHaveBeenCalledTimes(1);
});

it("offers notifications until the reader has decided", () => {
  browser({});
  expect(mayOffer()).toBe(true);
  declineOffer();
  expect(mayOffer()).toBe(false);
});

it.each(["granted", "denied"] as const)("offers nothing where they are %s", (decided) => {
  browser({ decided });
  expect(mayOffer()).toBe(false);
});
