import { type ReactNode, useRef } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useObjectUrl } from "../files/use_object_url";
import "./picture_field.css";

interface Props {
  id: string;
  name: string;
  picture: string | undefined;
  /** Whether it is of a group or a channel. */
  isPlace?: boolean;
  /** A file that was chosen and is not saved yet, which is shown instead. */
  chosen?: File | undefined;
  label: string;
  busy: boolean;
  onChoose: (file: File) => void;
  onRemove: () => void;
  /** A hint and the outcome, where a choice takes effect at once. */
  children?: ReactNode;
}

/** The picture of a user or a conversation, with buttons that replace and remove it. */
export function PictureField({
  id,
  name,
  picture,
  isPlace = false,
  chosen,
  label,
  busy,
  onChoose,
  onRemove,
  children,
}: Props) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <section className="picture-field" aria-label={label}>
      {chosen === undefined ? (
        <Avatar id={id} name={name} picture={picture} isPlace={isPlace} />
      ) : (
        <ChosenPicture file={chosen} isPlace={isPlace} />
      )}
      <div className="picture-side">
        <div className="buttons">
          <button type="button" disabled={busy} onClick={() => field.current?.click()}>
            {busy ? texts.settings.uploading : texts.settings.choosePicture}
          </button>
          {(picture || chosen) && (
            <button type="button" className="quiet" disabled={busy} onClick={onRemove}>
              {texts.settings.remove}
            </button>
          )}
        </div>
        {children && <div className="picture-news">{children}</div>}
      </div>
      <input
        ref={field}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif,image/avif"
        aria-label={label}
        hidden
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) onChoose(file);
          target.value = "";
        }}
      />
    </section>
  );
}

function ChosenPicture({ file, isPlace }: { file: File; isPlace: boolean }) {
  const fileUrl = useObjectUrl(file);
  return (
    <span className={isPlace ? "avatar place" : "avatar"}>{fileUrl !== null && <img src={fileUrl} alt="" />}</span>
  );
}
