import { type FormEvent, useId } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { RadioGroup } from "../components/radio_group";
import { PictureField } from "./picture_field";
import { SaveStatus } from "./save_status";
import { STATUSES, StatusTextFields, useStatusText } from "./status_text";
import { useSaving } from "./use_saving";

const TEXT_FIELDS = 'input:not([type="radio"]), textarea';

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
  const saving = useSaving();
  const statusText = useStatusText();
  const { status } = statusText;
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(TEXT_FIELDS))
      field.value = field.value.trim();
    const given = new FormData(form);
    const saved = (name: string): string => String(given.get(name) ?? "");
    void saving.save(async () => {
      await statusText.save(given);
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
      <p className="hint">
        {texts.account.statusHints[status]} {texts.settings.statusHint}
      </p>
      <StatusTextFields />
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
