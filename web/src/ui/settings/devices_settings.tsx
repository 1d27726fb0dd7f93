import type { PushDevice, SignedInDevice } from "@talkwire/client";
import { BellRing, type LucideIcon, Monitor } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useStore } from "zustand";
import { permission } from "../../chat/alerts/permission";
import { texts } from "../../texts";
import { fromNow } from "../../time_passed";
import { useChat } from "../page/chat_context";
import { deviceName } from "./device_name";
import { useSaving } from "./use_saving";
import "./devices_settings.css";

/** The devices where the reader is signed in, and those that receive notifications while the client is closed. */
export function DevicesSettings() {
  const { profile } = useChat();
  return (
    <>
      {profile.isAccount && <SignedIn />}
      <Pushed />
    </>
  );
}

function SignedIn() {
  const { profile } = useChat();
  const [devices, setDevices] = useState<readonly SignedInDevice[]>([]);
  const saving = useSaving();
  useEffect(() => {
    profile.devices().then(setDevices, () => undefined);
  }, [profile]);
  const signOut = async (device: SignedInDevice): Promise<void> => {
    if (await saving.save(() => profile.signOut(device)))
      setDevices((before) => before.filter(({ id }) => id !== device.id));
  };
  return (
    <DeviceList title={texts.settings.signedIn} problem={saving.problem}>
      {devices.map((device) => (
        <Device
          key={device.id}
          icon={Monitor}
          name={deviceName(device.userAgent)}
          details={[device.current ? texts.settings.thisDevice : fromNow(device.lastSeenAt), device.address]}
        >
          {!device.current && (
            <button
              type="button"
              className="danger"
              aria-label={texts.settings.signOutOf(deviceName(device.userAgent))}
              onClick={() => void signOut(device)}
            >
              {texts.signOut}
            </button>
          )}
        </Device>
      ))}
    </DeviceList>
  );
}

function Pushed() {
  const { push } = useChat();
  const { id: mine, problem } = useStore(push.state);
  /** Null until the server has answered. */
  const [devices, setDevices] = useState<readonly PushDevice[] | null>(null);
  const saving = useSaving();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when this browser subscribes or unsubscribes
  useEffect(() => {
    let isCurrent = true;
    const show = (found: readonly PushDevice[]): void => {
      if (isCurrent) setDevices(found);
    };
    // A server without push has no devices either.
    push.devices().then(show, () => show([]));
    return () => {
      isCurrent = false;
    };
  }, [push, mine]);
  const remove = async (device: PushDevice): Promise<void> => {
    if (await saving.save(() => push.remove(device)))
      setDevices((before) => before?.filter(({ id }) => id !== device.id) ?? null);
  };
  const isOn = permission() === "on";
  return (
    <DeviceList title={texts.settings.pushed} problem={saving.problem}>
      {devices?.length === 0 && (
        <li className="hint">
          {isOn ? texts.settings.nonePushedHere : texts.settings.nonePushed}{" "}
          {isOn && problem !== null && texts.alerts.browser.problems[problem]}
        </li>
      )}
      {devices?.map((device) => (
        <Device
          key={device.id}
          icon={BellRing}
          name={nameOf(device)}
          details={[device.id === mine ? texts.settings.thisDevice : texts.settings.since(fromNow(device.createdAt))]}
        >
          <button
            type="button"
            className="danger"
            aria-label={texts.settings.removePushed(nameOf(device))}
            onClick={() => void remove(device)}
          >
            {texts.settings.remove}
          </button>
        </Device>
      ))}
    </DeviceList>
  );
}

/** A native app has no user agent, but the name that its developers gave it. */
function nameOf({ userAgent, appId }: PushDevice): string {
  return userAgent === undefined && appId !== undefined ? appId : deviceName(userAgent ?? null);
}

function DeviceList({ title, problem, children }: { title: string; problem: string; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      <ul className="devices">{children}</ul>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}

interface DeviceProps {
  icon: LucideIcon;
  name: string;
  details: readonly string[];
  children: ReactNode;
}

function Device({ icon: Icon, name, details, children }: DeviceProps) {
  return (
    <li>
      <Icon className="icon" aria-hidden="true" />
      <span className="device">
        {name}
        <span className="detail">{details.filter(Boolean).join(" · ")}</span>
      </span>
      {children}
    </li>
  );
}
