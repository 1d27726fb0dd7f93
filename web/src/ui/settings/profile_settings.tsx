import { type FormEvent, useRef } from "react";
import type { ChosenStatus } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { RadioGroup } from "../components/radio_group";
import { usePresence } from "../people/use_presence";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";
import "./profile_settings.css";

const STATUSES: readonly ChosenStatus[] = ["online", "away", "dnd", "invisible"];

/** How others see the reader. */
export function ProfileSettings() {
  return (
    <>
      <Picture />
      <Status />
      <ProfileChanges />
    </>
  );
}

function Picture() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  const field = useRef<HTMLInputElement>(null);
  return (
    <section className="picture-settings">
      <Avatar id={me.id} name={me.name} picture={me.avatar} />
      <div className="buttons">
        <button type="button" disabled={saving.busy} onClick={() => field.current?.click()}>
          {saving.busy ? texts.settings.uploading : texts.settings.choosePicture}
        </button>
        {me.avatar && (
          <button
            type="button"
            className="danger"
            disabled={saving.busy}
            onClick={() => void saving.save(() => profile.update({ avatar: null }))}
          >
            {texts.settings.remove}
          </button>
        )}
        <SaveStatus saving={saving} />
      </div>
      <input
        ref={field}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif,image/avif"
        aria-label={texts.settings.picture}
        hidden
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) void saving.save(() => profile.setPicture(file));
          target.value = "";
        }}
      />
    </section>
  );
}

function Status() {
  const { idle } = useChat();
  const me = useChatState((state) => state.me);
  const presence = usePresence(me.id);
  const saving = useSaving();
  const status = STATUSES.find((each) => each === presence?.status) ?? "online";
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text")).trim();
    void saving.save(() => idle.choose(status, text));
  };
  return (
    <form onSubmit={submit}>
      <RadioGroup
        label={texts.settings.status}
        options={STATUSES.map((value) => ({ value, label: texts.account.statuses[value] }))}
        value={status}
        onChange={(wanted) => void saving.save(() => idle.choose(wanted))}
      />
      <p className="hint">{texts.account.statusHints[status]}</p>
      <label>
        {texts.settings.statusText}
        <input
          // Shows a text that was set on another device.
          key={presence?.text ?? ""}
          name="text"
          maxLength={200}
          defaultValue={presence?.text ?? ""}
          placeholder={texts.settings.statusTextHint}
          autoComplete="off"
        />
      </label>
      <div className="buttons">
        <SaveStatus saving={saving} />
        <button type="submit" className="primary" disabled={saving.busy}>
          {texts.settings.saveStatus}
        </button>
      </div>
    </form>
  );
}

function ProfileChanges() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = String(form.get("about")).trim();
    void saving.save(() => profile.update({ name: String(form.get("name")).trim(), text: text === "" ? null : text }));
  };
  return (
    <form onSubmit={submit}>
      <label>
        {texts.yourName}
        <input name="name" required maxLength={100} defaultValue={me.name} autoComplete="name" />
      </label>
      <label>
        {texts.settings.about}
        <textarea name="about" rows={3} maxLength={500} defaultValue={me.text ?? ""} />
      </label>
      <div className="buttons">
        <SaveStatus saving={saving} />
        <button type="submit" className="primary" disabled={saving.busy}>
          {texts.settings.saveProfile}
        </button>
      </div>
    </form>
  );
}
