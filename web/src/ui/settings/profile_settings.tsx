import type { ChosenStatus } from "@talkwire/client";
import { type FormEvent, useId } from "react";
import { endOfWeek, inMinutes, tomorrowAt } from "../../chat/ends";
import { texts } from "../../texts";
import { endTime } from "../../time_format";
import { useChat, useChatState } from "../chat_context";
import { RadioGroup } from "../components/radio_group";
import { usePresence } from "../people/use_presence";
import { PictureField } from "./picture_field";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";

const STATUSES: readonly ChosenStatus[] = ["online", "away", "dnd", "invisible"];

/** The choice that keeps the end that the status text has. */
const KEPT = "kept";

const TEXT_FIELDS = 'input:not([type="radio"]), textarea';

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
      <Texts />
    </>
  );
}

function Picture() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  return (
    <PictureField
      id={me.id}
      name={me.name}
      picture={me.avatar}
      label={texts.settings.picture}
      busy={saving.busy}
      onChoose={(file) => void saving.save(() => profile.setPicture(file))}
      onRemove={() => void saving.save(() => profile.update({ avatar: null }))}
    >
      <SaveStatus saving={saving} />
      <p className="hint">{texts.settings.pictureHint}</p>
    </PictureField>
  );
}

/** The status, which takes effect at once, and all texts, which are saved together. */
function Texts() {
  const { idle, profile } = useChat();
  const me = useChatState((state) => state.me);
  const mayChooseHandle = useChatState((state) => state.rights.chooseHandle);
  const presence = usePresence(me.id);
  const saving = useSaving();
  const status = STATUSES.find((each) => each === presence?.status) ?? "online";
  const textBefore = presence?.text ?? "";
  const untilBefore = presence?.textUntil ? KEPT : "never";

  const saveStatusText = async (text: string, until: string): Promise<void> => {
    if (text === textBefore && until === untilBefore) return;
    const textUntil = until === KEPT ? presence?.textUntil : TEXT_ENDS.get(until)?.();
    await idle.choose(status, text, {
      ...(text !== "" && textUntil && { textUntil }),
      // Saving the text must not change when the status ends.
      ...(presence?.statusUntil && { statusUntil: presence.statusUntil }),
    });
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(TEXT_FIELDS))
      field.value = field.value.trim();
    const given = new FormData(form);
    const saved = (name: string): string => String(given.get(name) ?? "");
    void saving.save(async () => {
      await saveStatusText(saved("text"), saved("until"));
      await profile.update({
        name: saved("name"),
        text: saved("about") || null,
        ...(mayChooseHandle && { handle: saved("handle") || null }),
      });
    });
  };
  return (
    <form onSubmit={submit} onChange={saving.clear}>
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
          key={textBefore}
          name="text"
          maxLength={200}
          defaultValue={textBefore}
          placeholder={texts.settings.statusTextHint}
          autoComplete="off"
        />
      </label>
      <label>
        {texts.settings.clearAfter}
        <select key={`${textBefore} ${presence?.textUntil}`} name="until" defaultValue={untilBefore}>
          {presence?.textUntil && <option value={KEPT}>{texts.settings.clearAt(endTime(presence.textUntil))}</option>}
          {[...TEXT_ENDS.keys()].map((each) => (
            <option key={each} value={each}>
              {texts.settings.clearChoices[each]}
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.yourName}
        <input name="name" required maxLength={100} defaultValue={me.name} autoComplete="name" />
      </label>
      {mayChooseHandle && <HandleField handle={me.handle ?? ""} />}
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

function HandleField({ handle }: { handle: string }) {
  const hint = useId();
  return (
    <>
      <label>
        {texts.settings.handle}
        <input
          // Shows the handle as the server has stored it.
          key={handle}
          name="handle"
          minLength={3}
          maxLength={32}
          pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]*[a-zA-Z0-9]"
          title={texts.settings.handleRule}
          defaultValue={handle}
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
  );
}
