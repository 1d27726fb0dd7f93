/** The microphone, camera and speaker for calls, as the reader has chosen them in this browser. */

import { storageName } from "@talkwire/client/parts";

/** The kinds of devices, in the order in which the page lists them. */
export const DEVICE_KINDS = ["audioinput", "videoinput", "audiooutput"] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export type Choice = { readonly [Kind in DeviceKind]?: string };

/** The devices of a kind. `chosen` is an id, or empty for the browser's choice. */
export interface DeviceList {
  readonly kind: DeviceKind;
  readonly devices: readonly { readonly id: string; readonly label: string }[];
  readonly chosen: string;
}

export class CallDevices {
  readonly #storage: Storage;
  readonly #name: string;

  constructor(storage: Storage = localStorage, base: string = document.baseURI) {
    this.#storage = storage;
    this.#name = storageName("talkwire.devices", base);
  }

  get chosen(): Choice {
    try {
      return JSON.parse(this.#storage.getItem(this.#name) ?? "{}") as Choice;
    } catch {
      return {};
    }
  }

  /** Saves a choice. An empty id leaves the choice to the browser. */
  choose(kind: DeviceKind, id: string): void {
    const { [kind]: _, ...others } = this.chosen;
    this.#storage.setItem(this.#name, JSON.stringify(id === "" ? others : { ...others, [kind]: id }));
  }

  /**
   * Returns the constraints for a microphone or camera. They are exact, since Chromium ignores a device that is only
   * preferred; a chosen device that is not connected makes `getUserMedia` fail.
   */
  constraintsOf(kind: "audioinput" | "videoinput"): MediaTrackConstraints | true {
    const id = this.chosen[kind];
    return id === undefined ? true : { deviceId: { exact: id } };
  }

  /**
   * Returns the connected devices of each kind that has any. Browsers name them only once the page has used a
   * microphone, and list speakers only where the page can choose one.
   */
  async list(): Promise<DeviceList[]> {
    const connected = (await navigator.mediaDevices.enumerateDevices()).filter(({ deviceId }) => deviceId !== "");
    const { chosen } = this;
    return DEVICE_KINDS.map((kind) => {
      const devices = connected
        .filter((device) => device.kind === kind)
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
      const id = chosen[kind] ?? "";
      return { kind, devices, chosen: devices.some((device) => device.id === id) ? id : "" };
    }).filter(({ devices }) => devices.length > 0);
  }
}
