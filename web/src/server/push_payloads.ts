/** Payloads about push notifications and read receipts. */

import type { Preferences } from "./payloads";

export interface PushKey {
  /** The server's public key in base64url. */
  publicKey: string;
}

/** A device to which the server pushes. */
export interface PushDevice {
  id: string;
  kind: "web" | "gateway";
  createdAt: string;
  userAgent?: string;
  /** The id of a native app. */
  appId?: string;
}

export interface PushDevicePage {
  items: PushDevice[];
}

export interface PreferencesWithReceipts extends Preferences {
  /** Whether others see what the user has read, and the user sees what they have read. */
  readReceipts: boolean;
}
