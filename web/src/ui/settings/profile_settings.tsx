import type { ChosenStatus } from "@talkwire/client";
import { type FormEvent, useId } from "react";
import { endOfWeek, inMinutes, tomorrowAt } from "../../chat/ends";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { RadioGroup } from "../components/radio_group";
import { usePresence } from "../people/use_presence";
import { endTime } from "../time_format";
import { PictureField } from "./picture_field";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";

const STATUSES: readonly ChosenStatus[] = ["online", "away", "dnd", "invisible"];

/** The choice that keeps the end that the status text has. */
const KEPT = "kept";

/** When a status text ends; undefined for never. */
const TEXT_ENDS: ReadonlyMap<string, () => string | undefined> = new Map<string, () => string | undefined>([
  ["never", () => undefined],
  ["half", () => inMinutes(30).toISOString()],
  ["hour", () => inMinutes(60).toISOString()],
  ["hours", () => inMinutes(4 * 60).toISOString()],
  ["today", () => tomorrowAt(0).toISOString()],
  ["week", () => endOfWeek().toISOString()],
]);

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
  return (
    <PictureField
      id={me.id}
      name={me.name}
      picture={me.avatar}
      label={texts.settings.picture}
      onChoose={(file) => profile.setPicture(file)}
      onRemove={() => profile.update({ avatar: null })}
    />
  );
}

function Status() {
  const { idle } = useChat();
  const me = useChatState((state) => state.me);
  const presence = usePresence(me.id);
  const saving = useSaving();
  const status = STATUSES.find((each) => each === presence?.status) ?? "online";
  /** Saving the text must not change when the status ends. */
  const statusEnds = presence?.statusUntil ? { statusUntil: presence.statusUntil } : {};
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = String(form.get("text")).trim();
    const until = form.get("until") === KEPT ? presence?.textUntil : TEXT_ENDS.get(String(form.get("until")))?.();
    const ends = { ...(text !== "" && until && { textUntil: until }), ...statusEnds };
    void saving.save(() => idle.choose(status, text, ends));
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
      <label>
        {texts.settings.clearAfter}
        <select key={presence?.textUntil ?? ""} name="until" defaultValue={presence?.textUntil ? KEPT : "never"}>
          {presence?.textUntil && <option value={KEPT}>{texts.settings.clearAt(endTime(presence.textUntil))}</option>}
          {[...TEXT_ENDS.keys()].map((each) => (
            <option key={each} value={each}>
              {texts.settings.clearChoices[each]}
            </option>
          ))}
        </select>
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
  const mayChooseHandle = useChatState((state) => state.rights.chooseHandle);
  const hint = useId();
  const saving = useSaving();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = String(form.get("about")).trim();
    const handle = String(form.get("handle") ?? "").trim();
    void saving.save(() =>
      profile.update({
        name: String(form.get("name")).trim(),
        text: text === "" ? null : text,
        ...(mayChooseHandle && { handle: handle === "" ? null : handle }),
      }),
    );
  };
  return (
    <form onSubmit={submit}>
      <label>
        {texts.yourName}
        <input name="name" required maxLength={100} defaultValue={me.name} autoComplete="name" />
      </label>
      {mayChooseHandle && (
        <>
          <label>
            {texts.settings.handle}
            <input
              // Shows the handle as the server has stored it.
              key={me.handle ?? ""}
              name="handle"
              minLength={3}
              maxLength={32}
              pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]*[a-zA-Z0-9]"
              title={texts.settings.handleRule}
              defaultValue={me.handle ?? ""}
              aria-describedby={hint}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
            />
          </label>
          <p id={hint} className="hint">
            {texts.settings.handleHint}
          </p>
        </>
      )}
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
