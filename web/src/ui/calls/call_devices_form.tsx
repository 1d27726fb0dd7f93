import { useEffect, useRef, useState } from "react";
import type { DeviceKind, DeviceList } from "../../chat/calls/call_devices";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";

/** The choice of microphone, camera and speaker. Devices that are plugged in meanwhile are listed. */
export function CallDevicesForm({ onSpeaker }: { onSpeaker: (id: string) => void }) {
  const { calls } = useChat();
  const [lists, setLists] = useState<readonly DeviceList[]>([]);
  const form = useRef<HTMLDivElement>(null);
  const isLoaded = lists.length > 0;
  useEffect(() => {
    if (isLoaded) form.current?.scrollIntoView({ block: "nearest" });
  }, [isLoaded]);
  useEffect(() => {
    const load = () => void calls.devices.list().then(setLists);
    load();
    navigator.mediaDevices.addEventListener("devicechange", load);
    return () => navigator.mediaDevices.removeEventListener("devicechange", load);
  }, [calls]);
  const choose = async (kind: DeviceKind, id: string): Promise<void> => {
    setLists((before) => before.map((list) => (list.kind === kind ? { ...list, chosen: id } : list)));
    if (kind === "audiooutput") onSpeaker(id);
    await calls.chooseDevice(kind, id);
  };
  return (
    <div className="call-devices" ref={form}>
      {lists.map(({ kind, devices, chosen }) => (
        <label key={kind}>
          {texts.calls.deviceKinds[kind]}
          <select value={chosen} onChange={({ target }) => void choose(kind, target.value)}>
            <option value="">{texts.calls.defaultDevice}</option>
            {devices.map(({ id, label }, index) => (
              <option key={id} value={id}>
                {label || texts.calls.unnamedDevice(index + 1)}
              </option>
            ))}
          </select>
        </label>
      ))}
    </div>
  );
}
