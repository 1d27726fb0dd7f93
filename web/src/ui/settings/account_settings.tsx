import { Monitor } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import type { SignedInDevice } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { fromNow } from "../time_format";
import { deviceName } from "./device_name";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";
import "./account_settings.css";

/** The reader's password and signed-in devices. */
export function AccountSettings() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  if (!profile.isAccount) return <p className="hint">{texts.settings.noAccount}</p>;
  return (
    <>
      {me.email && (
        <section>
          <h3>{texts.email}</h3>
          <p>{me.email}</p>
        </section>
      )}
      <Password />
      <Devices />
    </>
  );
}

function Password() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const change = () => profile.changePassword(String(given.get("current")), String(given.get("new")));
    if (await saving.save(change)) form.reset();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <h3>{texts.settings.changePassword}</h3>
      {/* Tells password managers which account the passwords belong to. */}
      <input type="email" autoComplete="username" value={me.email ?? ""} readOnly hidden />
      <label>
        {texts.settings.currentPassword}
        <input name="current" type="password" required autoComplete="current-password" />
      </label>
      <label>
        {texts.settings.newPassword}
        <input name="new" type="password" required minLength={8} autoComplete="new-password" />
      </label>
      <p className="hint">{texts.settings.passwordHint}</p>
      <div className="buttons">
        <SaveStatus saving={saving} />
        <button type="submit" className="primary" disabled={saving.busy}>
          {texts.settings.changePassword}
        </button>
      </div>
    </form>
  );
}

function Devices() {
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
    <section>
      <h3>{texts.settings.devices}</h3>
      <ul className="devices">
        {devices.map((device) => (
          <li key={device.id}>
            <Monitor className="icon" aria-hidden="true" />
            <span className="device">
              {deviceName(device.userAgent)}
              <span className="detail">
                {device.current ? texts.settings.thisDevice : fromNow(device.lastSeenAt)}
                {device.address && ` · ${device.address}`}
              </span>
            </span>
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
          </li>
        ))}
      </ul>
      <p className="problem" role="alert">
        {saving.problem}
      </p>
    </section>
  );
}
