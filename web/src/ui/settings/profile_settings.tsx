import type { User } from "@talkwire/client";
import { type FormEvent, useId, useState } from "react";
import { requirePicture } from "../../chat/files/require_picture";
import { texts } from "../../texts";
import { changesFrom, hasChangedField } from "../components/changed_fields";
import { useChat, useChatState } from "../page/chat_context";
import { PictureField } from "./picture_field";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";

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
  const choose = async (file: File): Promise<void> => {
    await requirePicture(file);
    await profile.setPicture(file);
  };
  return (
    <PictureField
      id={me.id}
      name={me.name}
      picture={me.avatar}
      label={texts.settings.picture}
      busy={saving.busy}
      onChoose={(file) => void saving.save(() => choose(file))}
      onRemove={() => void saving.save(() => profile.update({ avatar: null }))}
    >
      <SaveStatus saving={saving} />
    </PictureField>
  );
}

/** All texts, which are saved together. */
function Texts() {
  const { profile, state } = useChat();
  // Only what the reader has changed is sent, so that it does not undo what another device changes meanwhile.
  const [before, setBefore] = useState(() => textsOf(state.getState().me));
  const mayChooseHandle = useChatState((state) => state.rights.chooseHandle);
  const saving = useSaving();
  const [isChanged, setChanged] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea"))
      field.value = field.value.trim();
    const given = new FormData(form);
    const textIn = (name: string): string => String(given.get(name) ?? "");
    const after = { name: textIn("name"), text: textIn("about") || null, handle: textIn("handle") || null };
    const changes = changesFrom(before, mayChooseHandle ? after : { ...after, handle: before.handle });
    void saving.save(async () => {
      if (Object.keys(changes).length > 0) await profile.update(changes);
      // As the server has stored them.
      setBefore(textsOf(state.getState().me));
      setChanged(false);
    });
  };
  return (
    <form
      onSubmit={submit}
      onChange={({ currentTarget }) => {
        saving.clear();
        setChanged(hasChangedField(currentTarget.parentElement));
      }}
    >
      <label>
        {texts.yourName}
        <input name="name" required maxLength={100} key={before.name} defaultValue={before.name} autoComplete="name" />
      </label>
      {mayChooseHandle && <HandleField handle={before.handle ?? ""} />}
      <label>
        {texts.settings.about}
        <textarea name="about" rows={3} maxLength={500} key={before.text ?? ""} defaultValue={before.text ?? ""} />
      </label>
      <div className="buttons save-bar">
        <SaveStatus saving={saving} />
        <button type="submit" className="primary" disabled={saving.busy || !isChanged}>
          {texts.settings.saveProfile}
        </button>
      </div>
    </form>
  );
}

function textsOf({ name, text, handle }: User): { name: string; text: string | null; handle: string | null } {
  return { name, text: text ?? null, handle: handle ?? null };
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
        {texts.settings.handleHint(handle || "ann.smith")}
      </p>
    </>
  );
}
