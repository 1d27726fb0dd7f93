import { useRef } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";
import "./picture_field.css";

interface Props {
  id: string;
  name: string;
  picture: string | undefined;
  label: string;
  onChoose: (file: File) => Promise<void>;
  onRemove: () => Promise<void>;
}

/** The picture of a user or a conversation, with buttons that replace and remove it. */
export function PictureField({ id, name, picture, label, onChoose, onRemove }: Props) {
  const saving = useSaving();
  const field = useRef<HTMLInputElement>(null);
  return (
    <section className="picture-field" aria-label={label}>
      <Avatar id={id} name={name} picture={picture} />
      <div className="buttons">
        <button type="button" disabled={saving.busy} onClick={() => field.current?.click()}>
          {saving.busy ? texts.settings.uploading : texts.settings.choosePicture}
        </button>
        {picture && (
          <button
            type="button"
            className="danger"
            disabled={saving.busy}
            onClick={() => void saving.save(() => onRemove())}
          >
            {texts.settings.remove}
          </button>
        )}
        <SaveStatus saving={saving} />
        <p className="hint">{texts.settings.pictureHint}</p>
      </div>
      <input
        ref={field}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif,image/avif"
        aria-label={label}
        hidden
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) void saving.save(() => onChoose(file));
          target.value = "";
        }}
      />
    </section>
  );
}
