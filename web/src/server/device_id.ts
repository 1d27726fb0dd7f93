import { randomId } from "@talkwire/client/parts";

const STORAGE_KEY = "talkwire.device";

/** Returns the id of this browser. The server pushes nothing to a device that is connected. */
export function deviceId(storage: Storage = localStorage): string {
  const before = storage.getItem(STORAGE_KEY);
  if (before !== null) return before;
  const id = randomId();
  storage.setItem(STORAGE_KEY, id);
  return id;
}
