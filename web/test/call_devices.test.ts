import { afterEach, expect, it, vi } from "vitest";
import { CallDevices } from "../src/chat/calls/call_devices";

const saved = new Map<string, string>();
const storage = {
  getItem: (name: string) => saved.get(name) ?? null,
  setItem: (name: string, text: string) => void saved.set(name, text),
} as Storage;

afterEach(() => {
  saved.clear();
  vi.unstubAllGlobals();
});

const devicesBelow = (path: string) => new CallDevices(storage, `https://chat.example.com${path}`);

it("asks for the chosen microphone, and for any after the choice is reset", () => {
  const devices = devicesBelow("/");
  expect(devices.constraintsOf("audioinput")).toBe(true);
  devices.choose("audioinput", "headset");
  expect(devicesBelow("/").constraintsOf("audioinput")).toEqual({ deviceId: { exact: "headset" } });
  devices.choose("audioinput", "");
  expect(devices.constraintsOf("audioinput")).toBe(true);
});

it("keeps the choices of chats below other paths apart", () => {
  devicesBelow("/").choose("videoinput", "camera");
  expect(devicesBelow("/shop/").chosen).toEqual({});
});

it("survives a saved text that is no JSON", () => {
  saved.set("talkwire.devices", "{");
  expect(devicesBelow("/").chosen).toEqual({});
});

it("lists the connected devices by kind, and no choice that is not connected", async () => {
  const connected = [
    { kind: "videoinput", deviceId: "c1", label: "Front" },
    { kind: "audioinput", deviceId: "m1", label: "" },
    // A browser that has not asked for permission hides the ids.
    { kind: "audiooutput", deviceId: "", label: "" },
  ];
  vi.stubGlobal("navigator", { mediaDevices: { enumerateDevices: async () => connected } });
  const devices = devicesBelow("/");
  devices.choose("audioinput", "m1");
  devices.choose("videoinput", "unplugged");
  expect(await devices.list()).toEqual([
    { kind: "audioinput", devices: [{ id: "m1", label: "" }], chosen: "m1" },
    { kind: "videoinput", devices: [{ id: "c1", label: "Front" }], chosen: "" },
  ]);
});
